// npm run bench [-- --json] [-- --only nano] : how fast each part is on this machine, beside what bounds it.
//
// Figures are wall-clock medians of one run; compare ratios, not machines. Random weights are made in a temporary folder
// (4 GB for bench-1b) and removed.

import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { initModel, nodeBackend, presetNames } from "@fusion-vlm/core";
import { benchInference } from "./inference.mjs";
import { matmulPeak, streamPeak } from "./peak.mjs";
import { formatBench } from "./print.mjs";
import { benchTraining } from "./training.mjs";

/** The model whose training step is measured. */
const trainedPreset = "nano";
const usage = `npm run bench [-- --json] [-- --only PART]

  --json       one JSON document instead of tables
  --only PART  measure this part, repeatable: a preset, for its inference; or training, the training step of ${trainedPreset},
               beside PyTorch where python3-torch is installed
               default: nano, bench-1b (which writes 4 GB to a temporary folder) and training
  --help       show this

Presets: ${presetNames.join(", ")}`;
const flags = readFlags();
const parts = flags.only ?? ["nano", "bench-1b", "training"];

const threads = availableParallelism();
const backend = await nodeBackend({ device: "cpu", worker: false, threads });
const peaks = { flops: await matmulPeak(backend), bytes: await streamPeak(backend) };
await backend.dispose();

const models = [];
for (const preset of parts.filter((part) => part !== "training")) {
  const measured = await withModel(preset, "answering", (folder) => benchInference(folder, peaks));
  models.push({ preset, ...measured, folder: undefined });
}
const trains = parts.includes("training");
const training = trains ? await withModel(trainedPreset, "training", trainOn) : undefined;
const bench = { peaks, models, training };

process.stdout.write(`${flags.json ? JSON.stringify(bench, null, 2) : formatBench(bench)}\n`);
if (training?.torch.agrees === false) process.exitCode = 1;

function trainOn(folder) {
  return benchTraining(folder, { preset: trainedPreset, threads, peak: peaks.flops });
}

/** Runs `measure` on a temporary folder with random weights. */
async function withModel(preset, what, measure) {
  const folder = await mkdtemp(join(tmpdir(), "fusion-bench-"));
  try {
    process.stderr.write(`bench: writing ${preset} …\n`);
    await initModel({ preset, folder });
    process.stderr.write(`bench: measuring ${preset}, ${what} …\n`);
    return await measure(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function readFlags() {
  const types = { json: { type: "boolean" }, only: { type: "string", multiple: true }, help: { type: "boolean" } };
  try {
    const { values } = parseArgs({ options: types });
    if (values.help) {
      process.stdout.write(`${usage}\n`);
      process.exit(0);
    }
    const unknown = values.only?.find((part) => part !== "training" && !presetNames.includes(part));
    if (unknown === undefined) return values;
    process.stderr.write(`bench: there is no preset ${unknown}, and no other part of that name\n\n${usage}\n`);
  } catch (error) {
    process.stderr.write(`bench: ${error.message}\n\n${usage}\n`);
  }
  process.exit(2);
}
