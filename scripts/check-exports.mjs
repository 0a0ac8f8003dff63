// Every path in a package's "exports" exists in dist, and plain Node imports it without printing anything. Needs dist.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packages, root, say } from "./lib/workspace.mjs";

/** True when every door of every package opens. */
export function checkExports() {
  return packages.map(({ name }) => checkPackage(join(root, "packages", name))).every(Boolean);
}

function checkPackage(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const doors = Object.entries(manifest.exports).filter(([, target]) => typeof target === "object");
  const missing = doors.flatMap(([path, target]) =>
    Object.entries(target)
      .filter(([, file]) => !existsSync(join(folder, file)))
      .map(([condition, file]) => `${manifest.name} ${path}: ${condition} names ${file}, which does not exist`),
  );
  for (const line of missing) say(line);
  if (missing.length > 0) return false;
  return doors.map(([path]) => importsCleanly(join(manifest.name, path).replaceAll("\\", "/"))).every(Boolean);
}

function importsCleanly(specifier) {
  const program = `const names = Object.keys(await import(${JSON.stringify(specifier)})); console.log(names.length);`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    cwd: root,
    encoding: "utf8",
  });
  const names = Number(stdout.trim());
  if (status === 0 && stderr === "" && names > 0) {
    say(`${specifier}: ${names} names`);
    return true;
  }
  say(`${specifier}: expected an import that works, is silent and has names; got exit ${status}\n${stdout}${stderr}`);
  return false;
}
