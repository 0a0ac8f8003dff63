import { existsSync, readdirSync, readFileSync } from "node:fs";
import { exitCodes } from "@fusion-vlm/plugin-kit";
import { expect, test } from "vitest";
import { COMMANDS } from "../src/index.ts";

const file = (path: string) => new URL(`../../../${path}`, import.meta.url);
const read = (path: string) => readFileSync(file(path), "utf8");

test("docs/errors.md explains every error code of the SDK, and no other", () => {
  const declared = read("packages/core/src/errors/fusion-error.ts").match(/(?<=^ {2}\| ")[A-Z_]+(?=")/gm);
  const documented = read("docs/errors.md").match(/(?<=^\| `)[A-Z_]+(?=`)/gm);

  expect(declared?.length).toBeGreaterThan(10);
  expect(documented?.toSorted()).toEqual(declared?.toSorted());
});

test("docs/errors.md lists every exit code", () => {
  const documented = read("docs/errors.md").match(/(?<=^\| )\d+(?= )/gm);

  expect(documented).toEqual(["0", ...Object.values(exitCodes).map(String)]);
});

test("docs/commands.md describes every command and every flag", () => {
  const text = read("docs/commands.md");
  const shared = text.slice(0, text.indexOf("\n## fusion "));

  for (const [id, command] of Object.entries(COMMANDS)) {
    const start = text.indexOf(`## fusion ${id.replaceAll(":", " ")}\n`);
    expect(start, id).toBeGreaterThan(0);
    const section = text.slice(start, text.indexOf("\n## ", start));
    for (const flag of Object.keys(command.flags ?? {})) {
      expect(`${shared}${section}`.includes(`\`--${flag}`), `fusion ${id} --${flag}`).toBe(true);
    }
  }
});

test("docs/model-folder.md lists every key of both configuration files", () => {
  const documented = new Set(read("docs/model-folder.md").match(/(?<=`)[a-z_]+(?=`)/g));
  const schema = (path: string, name: string) =>
    new RegExp(`${name} = z\\.object\\({\\n([\\s\\S]*?)\\n}\\)`).exec(read(path))![1]!.match(/(?<=^ {2})\w+(?=:)/gm)!;
  const keys = [
    ...schema("packages/core/src/fusion/config-file.ts", "configSchema"),
    ...schema("packages/core/src/fusion/vision-schema.ts", "visionSchema"),
  ];

  expect(keys.length).toBeGreaterThan(30);
  expect(keys.filter((key) => !documented.has(key))).toEqual([]);
});

test("every value that the documentation imports is exported", async () => {
  const pages = ["README.md", "packages/core/README.md", "packages/plugin-kit/README.md"].concat(
    readdirSync(file("docs")).flatMap((name) => (name.endsWith(".md") ? [`docs/${name}`] : [])),
  );
  const imports = pages.flatMap((page) =>
    [...read(page).matchAll(/^import \{([^}]+)\} from "(@fusion-vlm\/[^"]+)";/gm)].map(([, names, from]) => ({
      page,
      from: from!,
      names: names!.split(",").flatMap((name) => name.trim().match(/^(?!type )\w+/) ?? []),
    })),
  );
  expect(imports.length).toBeGreaterThan(10);

  const missing: string[] = [];
  for (const { page, from, names } of imports) {
    const entry = await import(from);
    missing.push(...names.filter((name) => !(name in entry)).map((name) => `${page}: ${name} from ${from}`));
  }
  expect(missing).toEqual([]);
});

test("every link of the documentation leads to a file", () => {
  const pages = ["docs", "docs/decisions"].flatMap((folder) =>
    readdirSync(file(folder)).flatMap((name) => (name.endsWith(".md") ? [`${folder}/${name}`] : [])),
  );
  const packages = readdirSync(file("packages")).map((name) => `packages/${name}/README.md`);
  const broken = ["README.md", "CONTRIBUTING.md", "AGENTS.md", ...pages, ...packages]
    .filter((page) => existsSync(file(page)))
    .flatMap((page) => {
      const links = [...read(page).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, link]) => link!);
      const local = links.filter((link) => !/^[a-z]+:/.test(link));
      return local.filter((link) => !existsSync(new URL(link, file(page)))).map((link) => `${page}: ${link}`);
    });

  expect(broken).toEqual([]);
});
