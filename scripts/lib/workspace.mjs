import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository root. */
export const root = fileURLToPath(new URL("../../", import.meta.url));

/** Folders of packages/, each after the packages it depends on: the order in which they are built. */
export const packages = [
  { name: "core", dependsOn: [] },
  { name: "nano", dependsOn: [] },
  { name: "plugin-kit", dependsOn: ["core"] },
  { name: "cli", dependsOn: ["core", "nano", "plugin-kit"] },
  { name: "plugin-eval", dependsOn: ["core", "plugin-kit"] },
  { name: "plugin-data", dependsOn: ["core", "plugin-kit"] },
  { name: "plugin-train", dependsOn: ["core", "plugin-kit"] },
];

/** The script behind a command of an installed package, to be run by this very Node on every platform. */
export const tools = {
  biome: join(root, "node_modules/@biomejs/biome/bin/biome"),
  tsc: join(root, "node_modules/typescript/bin/tsc"),
  tsup: join(root, "node_modules/tsup/dist/cli-default.js"),
  depcruise: join(root, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs"),
};

/** Runs a Node script in the repository root. With `quiet`, returns its output instead of showing it. */
export function runNode(script, args = [], { env = {}, quiet = false } = {}) {
  const result = spawnSync(process.execPath, [script, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: quiet ? ["ignore", "pipe", "pipe"] : ["ignore", "inherit", "inherit"],
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  return {
    ok: result.status === 0,
    status: result.status ?? 1,
    output: `${result.stdout ?? ""}${result.stderr ?? ""}`,
  };
}

/** Runs npm: the one that started this process where there is one. */
export function runNpm(args, env = {}) {
  const npm = process.env.npm_execpath;
  const viaNode = npm !== undefined && existsSync(npm) && /\.[cm]?js$/.test(npm);
  const result = spawnSync(viaNode ? process.execPath : "npm", viaNode ? [npm, ...args] : args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", process.stderr, "inherit"],
    shell: !viaNode && process.platform === "win32",
  });
  if (result.error) throw result.error;
  return result.status === 0;
}

/** A progress line on stderr; results go to stdout. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** Seconds since `start` (a performance.now() value), for people. */
export function secondsSince(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}
