// `npm run check`: everything about the code that needs no test run. Every step runs, then the summary; exit 1 when one failed.

import { checkExports } from "./check-exports.mjs";
import { checkPublishing } from "./check-publishing.mjs";
import { ensureBuilt, ensureInstalled } from "./ensure-built.mjs";
import { runNode, say, secondsSince, tools } from "./lib/workspace.mjs";

const steps = [
  { name: "format and lint", run: () => runNode(tools.biome, ["check", "--error-on-warnings", "."]).ok },
  { name: "types", run: () => runNode(tools.tsc, ["-p", "tsconfig.json"]).ok },
  {
    name: "dependency direction and cycles",
    run: () => runNode(tools.depcruise, ["--config", ".dependency-cruiser.mjs", "packages"]).ok,
  },
  { name: "build", run: () => ensureBuilt() },
  { name: "publishing (publint)", run: checkPublishing },
  { name: "package exports", run: checkExports },
];

if (!ensureInstalled()) process.exit(1);

const results = [];
for (const { name, run } of steps) {
  say(`\n== ${name}`);
  const start = performance.now();
  results.push({ name, ok: await run(), took: secondsSince(start) });
}

say("\n== summary");
for (const { name, ok, took } of results) say(`${ok ? "ok    " : "FAILED"}  ${name} (${took})`);
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;
