// Makes the working tree ready to run: installs what package-lock.json names, builds what changed.
//
//   node scripts/ensure-built.mjs           install and build only where something is out of date
//   node scripts/ensure-built.mjs --force   build every package
//
// Progress goes to stderr; nothing is printed when there is nothing to do.

import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { hashFiles, readStamp, sourceStamp, writeStamp } from "./lib/stamp.mjs";
import { packages, root, runNode, runNpm, say, secondsSince, tools } from "./lib/workspace.mjs";

/** True when all packages are built; false after the reason was printed. */
export function ensureBuilt({ force = false } = {}) {
  return ensureInstalled() && packages.every(({ name }) => ensurePackage(name, force));
}

/** Installs when node_modules is missing or does not stem from this package-lock.json. */
export function ensureInstalled() {
  const lockStamp = hashFiles(["package-lock.json"]);
  if (isInstalled(lockStamp)) return true;

  const start = performance.now();
  say("installing dependencies (npm registry only) …");
  // Without the variable, onnxruntime-node's install script fetches CUDA libraries from another host and fails where it is
  // unreachable.
  if (!runNpm(["ci", "--no-audit", "--no-fund"], { ONNXRUNTIME_NODE_INSTALL: "skip" })) {
    say("npm ci failed; its message is above.");
    return false;
  }
  writeStamp("install", lockStamp);
  say(`installed in ${secondsSince(start)}`);
  return true;
}

function isInstalled(lockStamp) {
  const installed = join(root, "node_modules/.package-lock.json");
  if (!existsSync(installed)) return false;
  const stamp = readStamp("install");
  if (stamp !== undefined) return stamp === lockStamp;
  // Someone ran npm by hand: trust the times.
  const lock = join(root, "package-lock.json");
  return !existsSync(lock) || statSync(installed).mtimeMs >= statSync(lock).mtimeMs;
}

function ensurePackage(name, force) {
  const stamp = sourceStamp(name);
  const built = existsSync(join(root, `packages/${name}/dist/index.js`)) && readStamp(name) === stamp;
  if (built && !force) return true;

  const start = performance.now();
  say(`building ${name} …`);
  const { ok, output } = runNode(tools.tsup, [], { env: { BUILD_PACKAGE: name }, quiet: true });
  if (!ok) {
    say(output);
    say(`building ${name} failed; the compiler's message is above.`);
    return false;
  }
  writeStamp(name, stamp);
  say(`built ${name} in ${secondsSince(start)}`);
  return true;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = ensureBuilt({ force: process.argv.includes("--force") }) ? 0 : 1;
}
