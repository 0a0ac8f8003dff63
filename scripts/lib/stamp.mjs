import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { packages, root } from "./workspace.mjs";

const stampFolder = join(root, "node_modules/.cache/fusion-build");

/** The stamp left by the last successful build or install of that name; undefined when there is none. */
export function readStamp(name) {
  const file = join(stampFolder, name);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

export function writeStamp(name, stamp) {
  const file = join(stampFolder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, stamp);
}

/** Hash of files by path and content; a file that is missing counts as such. */
export function hashFiles(paths) {
  const hash = createHash("sha256");
  for (const path of paths) {
    hash.update(`${path}\0`);
    hash.update(existsSync(join(root, path)) ? readFileSync(join(root, path)) : "missing");
  }
  return hash.digest("hex");
}

/** Hash of everything that a package's dist is made from, its dependencies' sources included (types flow through). */
export function sourceStamp(name) {
  const { dependsOn } = packages.find((one) => one.name === name);
  const own = [
    "package-lock.json",
    "tsconfig.json",
    "tsup.config.ts",
    `packages/${name}/package.json`,
    ...sources(`packages/${name}/src`),
  ];
  return [hashFiles(own), ...dependsOn.map(sourceStamp)].join("\n");
}

function sources(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts") && !entry.name.endsWith(".test.ts"))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length))
    .sort();
}
