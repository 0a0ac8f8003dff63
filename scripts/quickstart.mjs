// `npm run quickstart`: from a fresh clone to an answer about a picture.
//
// Installs and builds what is missing, makes a small model folder at random, asks it about docs/assets/quickstart.png.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { ensureBuilt } from "./ensure-built.mjs";
import { root, runNode, say } from "./lib/workspace.mjs";

const folder = "nano";
const picture = "docs/assets/quickstart.png";
const question = "What is in the picture?";

function quickstart() {
  if (!ensureBuilt()) return 1;

  if (existsSync(join(root, folder, "config.json"))) {
    say(`\nUsing the model folder ./${folder} that is already there (delete it to start over).`);
  } else {
    say("\nMaking a model: the nano preset, with random weights from seed 7.");
    const made = fusion("model", "init", "nano", "--out", folder, "--seed", "7");
    if (made !== 0) return made;
  }

  say("\nAsking it about a picture. The weights are random, so the words mean nothing yet; everything else is real.");
  const asked = fusion("ask", picture, question, "--model", folder);
  if (asked !== 0) return asked;

  say("\nNext: npx fusion --help, or the README for the SDK.");
  return 0;
}

/** Shows the command, runs it, returns its exit code. */
function fusion(...args) {
  say(`$ npx fusion ${args.map((arg) => (/\s/.test(arg) ? `"${arg}"` : arg)).join(" ")}`);
  return runNode(join(root, "packages/cli/bin/run.js"), args).status;
}

process.exitCode = quickstart();
