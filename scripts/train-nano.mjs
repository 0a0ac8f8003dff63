// Trains the model of packages/nano again, from nothing: pictures, three stages, scores. Then takes model, log and scores over.
//
//   node scripts/train-nano.mjs
//
// Everything lies in nano/, which git ignores; run it again to go on. About three hours on two cores, 10 GB of memory. The card,
// packages/nano/README.md, is written by people: `node scripts/try-nano.mjs` gives its table of other drawings.

import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureBuilt } from "./ensure-built.mjs";
import { fusion } from "./lib/shown-command.mjs";
import { root } from "./lib/workspace.mjs";

const folder = join(root, "nano");
const nano = join(root, "packages/nano");

/** Flags of `fusion data synth`. */
const data = ["--count", "120000", "--heldout", "1000", "--seed", "11"];

/** Commands, run in `folder`, and the file that tells that one is done. */
const steps = [
  { done: "data/dataset.json", args: ["data", "synth", "--out", "data", ...data] },
  { done: "model/config.json", args: ["train", "--out", "model"] },
  {
    done: "scores/score.json",
    args: [
      "eval",
      "run",
      "--benchmark",
      "builtin",
      "--data",
      "data",
      "--model",
      "./model",
      "--blank",
      "--out",
      "scores",
    ],
  },
];

process.exitCode = ensureBuilt() ? await train() : 1;

async function train() {
  mkdirSync(folder, { recursive: true });
  for (const file of ["fusion.config.yaml", "captions.yaml", "mixed.yaml"])
    cpSync(join(nano, "recipe", file), join(folder, file));
  for (const { done, args } of steps) {
    if (existsSync(join(folder, done))) continue;
    const { status } = await fusion(args, { cwd: folder });
    if (status !== 0) return status;
  }
  for (const file of [
    ...["config.json", "vision_config.json", "generation_config.json"],
    ...["tokenizer.json", "tokenizer_config.json", "model.safetensors"],
  ])
    cpSync(join(folder, "model", file), join(nano, "model", file));
  const { questions, pictures, overall, kinds } = JSON.parse(read("scores/score.json"));
  writeFileSync(
    join(nano, "recipe/score.json"),
    `${JSON.stringify({ questions, pictures, overall, kinds }, null, 2)}\n`,
  );
  const log = read("model/train-log.jsonl").trimEnd().split("\n").filter(isKept);
  // Where the data lay on that machine says nothing here.
  writeFileSync(join(nano, "recipe/train-log.jsonl"), `${log.join("\n").replaceAll(`${folder}/`, "")}\n`);
  return 0;
}

function read(file) {
  return readFileSync(join(folder, file), "utf8");
}

/** Every twentieth step, and everything that is no step. */
function isKept(line) {
  const { type, step } = JSON.parse(line);
  return type !== "step" || step % 20 === 0;
}
