import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FusionError } from "@fusion-vlm/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isMixingFile, readMixingFile } from "./mixing-file.ts";

let place: string;

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "fusion-mixing-"));
});

afterAll(() => rm(place, { recursive: true, force: true }));

const file = () => join(place, "mix.yaml");

async function refusal(contents: string | Uint8Array): Promise<FusionError> {
  await writeFile(file(), contents);
  return readMixingFile(file()).then(
    () => Promise.reject(new Error("nothing was refused")),
    (error) => error,
  );
}

test("names data files beside it or anywhere, each with a strategy and perhaps an image folder", async () => {
  await writeFile(
    file(),
    `# stage 1.5
datasets:
  - json_path: a.json
  - json_path: sub/b.jsonl
    sampling_strategy: first:3000
    images: ../pictures
  - { json_path: /data/c.json, sampling_strategy: "random:12%" }
`,
  );

  expect(await readMixingFile(file())).toEqual([
    { file: join(place, "a.json"), sampling: { strategy: "all" } },
    {
      file: join(place, "sub/b.jsonl"),
      sampling: { strategy: "first", amount: 3000, unit: "records" },
      images: join(place, "../pictures"),
    },
    { file: "/data/c.json", sampling: { strategy: "random", amount: 12, unit: "percent" } },
  ]);
});

test("is told by its ending", () => {
  expect(["mix.yaml", "MIX.YML", "a.json", "yaml", "a.yaml.json"].map(isMixingFile)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

const aliases = ["a: &a [x, x, x, x, x, x, x, x, x]", ..."bcdefghi"].map((line, index) => {
  const before = String.fromCharCode(96 + index);
  return index === 0 ? line : `${line}: &${line} [${new Array(9).fill(`*${before}`).join(", ")}]`;
});

const cases: [what: string, contents: string | Uint8Array, message: RegExp][] = [
  ["nothing", "", /mix\.yaml: expected datasets, a list of data files, got null$/],
  ["a list", "- a.json", /mix\.yaml: expected datasets, a list of data files, got \["a\.json"\]$/],
  ["broken YAML", "datasets:\n  - json_path: [a", /mix\.yaml: line 2, column \d+: expected YAML, got Flow sequence/],
  [
    "a strategy of two keys",
    "datasets:\n  - sampling_strategy: first: 3",
    /line 2, .*expected YAML, got Nested mappings/,
  ],
  ["a key given twice", "datasets: []\ndatasets: []", /line 2, column 1: expected YAML, got Map keys must be unique/],
  ["two documents", "datasets: []\n---\ndatasets: []", /expected YAML, got Source contains multiple documents/],
  ["a tag of its own", "datasets: !files [a.json]", /expected YAML, got Unresolved tag/],
  ["aliases without end", aliases.join("\n"), /mix\.yaml: expected YAML, got Excessive alias count/],
  ["without datasets", "sources: []", /mix\.yaml: datasets: expected a list of one data file or more, got nothing$/],
  ["an empty list", "datasets: []", /mix\.yaml: datasets: expected a list of one data file or more, got \[\]$/],
  ["a list of names", "datasets: [a.json]", /datasets\[0\]: expected \{ json_path, .*\}, got "a\.json"$/],
  ["an entry without a path", "datasets: [{ sampling_strategy: all }]", /datasets\[0\]\.json_path: .* got nothing$/],
  [
    "a path that is a number",
    "datasets: [{ json_path: 3 }]",
    /datasets\[0\]\.json_path: .* JSON or JSON lines, got 3$/,
  ],
  ["an empty path", 'datasets: [{ json_path: "" }]', /datasets\[0\]\.json_path: expected the path .* got ""$/],
  ["a mixing file inside", "datasets: [{ json_path: b.yml }]", /datasets\[0\]\.json_path: .* got "b\.yml"$/],
  [
    "another strategy",
    "datasets: [{ json_path: a.json }, { json_path: b.json, sampling_strategy: last:3 }]",
    /mix\.yaml: datasets\[1\]\.sampling_strategy: expected all, first:N, end:N or random:N, .* got "last:3"$/,
  ],
  [
    "more than everything",
    "datasets: [{ json_path: a, sampling_strategy: 'end:101%' }]",
    /strategy: .* got "end:101%"$/,
  ],
  ["a bare number", "datasets: [{ json_path: a, sampling_strategy: 30 }]", /sampling_strategy: .* got 30$/],
  ["a strategy left empty", "datasets:\n - json_path: a\n   sampling_strategy:", /sampling_strategy: .* got null$/],
  [
    "images that are a list",
    "datasets: [{ json_path: a, images: [] }]",
    /datasets\[0\]\.images: .* a folder, got \[\]$/,
  ],
  [
    "a key of an entry that is mistyped",
    "datasets: [{ json_path: a, sampling: all }]",
    /datasets\[0\]\.sampling: expected no key but json_path, sampling_strategy, images, got this one$/,
  ],
  [
    "a key of its own",
    "datasets: [{ json_path: a }]\nseed: 3",
    /mix\.yaml: seed: expected no key but datasets, got this/,
  ],
  ["Latin-1", Buffer.from("datasets: [{ json_path: r\xe9d }]", "latin1"), /mix\.yaml: expected text in UTF-8/],
  ["records", Buffer.alloc(2 ** 20 + 1, "#"), /mix\.yaml: expected at most 1048576 bytes, got 1048577$/],
];

test.each(cases)("is not %s", async (_what, contents, message) => {
  const error = await refusal(contents);

  expect(error).toMatchObject({ code: "DATASET_INVALID", message: expect.stringMatching(message) });
  expect(error.hint).toMatch(/^[A-Z].*\.$/);
});

test("is there, and a file", async () => {
  await expect(readMixingFile(join(place, "none.yaml"))).rejects.toMatchObject({
    code: "DATASET_INVALID",
    message: expect.stringMatching(/none\.yaml: expected a mixing file in YAML, got nothing at this path$/),
  });
});
