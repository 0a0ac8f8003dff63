// `npm run quickstart`: from a fresh clone to an answer about a picture.
//
// Installs and builds what is missing, makes a small model folder at random, asks it about docs/assets/quickstart.png.
// The answer goes to stdout, everything else to stderr.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { ensureBuilt } from "./ensure-built.mjs";
import { root, runNode, say } from "./lib/workspace.mjs";

const folder = "nano";
const picture = "docs/assets/quickstart.png";
const question = "What is in the picture?";
const binary = join(root, "packages/cli/bin/run.js");

function quickstart() {
  if (!ensureBuilt()) return 1;

  if (existsSync(join(root, folder))) {
    if (!isModel(folder)) return 1;
    say(`\nUsing the model folder ./${folder} that is already there (delete it to start over).`);
  } else {
    say("\nMaking a model: the nano preset, with random weights from seed 7.");
    const made = fusion("model", "init", "nano", "--out", folder, "--seed", "7");
    if (made !== 0) return made;
  }

  say("\nAsking it about a picture. Nobody has trained it, so its words mean nothing yet; everything else is real.");
  const asked = fusion("ask", picture, question, "--model", folder, "--max-tokens", "32");
  if (asked !== 0) return asked;

  say("\nNext: npx fusion chat docs/assets/quickstart.png --model nano, npx fusion --help, or the README for the SDK.");
  return 0;
}

/** A folder of that name may be anything; one that is no model is told, and left alone. */
function isModel(path) {
  const { ok, output } = runNode(binary, ["model", "inspect", path], { quiet: true });
  if (!ok)
    say(`\nThere is a folder ./${path}, and it is no model that can be used:\n${output}Delete it and start again.`);
  return ok;
}

/** Shows the command, runs it, returns its exit code. */
function fusion(...args) {
  say(`$ npx fusion ${args.map((arg) => (/\s/.test(arg) ? `"${arg}"` : arg)).join(" ")}`);
  return runNode(binary, args).status;
}

process.exitCode = quickstart();
