// The same training in ONNX Runtime and in PyTorch: same start, same batches, same rates; losses and speeds side by side.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeBackend, openModelFolder, writeWeights } from "@fusion-vlm/core";
import { cosineSchedule, TrainingState } from "@fusion-vlm/core/train";
import { median } from "./peak.mjs";
import { TorchProcess } from "./torch-process.mjs";

const peakRate = 1e-3;

/** Largest difference of two losses of a step that counts as the same. */
export const tolerance = 1e-3;

/**
 * Trains a model folder for `rounds` rounds in both, taking turns after every round so that the machine's mood meets both alike.
 *
 * A round is one step over each batch. Both have run every batch once before, without an update, so that no time is counted
 * for compiling or first allocations.
 *
 * @param folder - model folder; it is not changed
 * @param options - python of `findTorch`; batches of {latents, batch}; rounds; threads of each
 */
export async function compareWithTorch(folder, { python, batches, rounds, threads }) {
  const temporary = await mkdtemp(join(tmpdir(), "fusion-bench-"));
  const backend = await nodeBackend({ device: "cpu", worker: false, threads });
  let torch;
  let ours;
  try {
    await writeFeeds(temporary, batches);
    torch = await TorchProcess.start(python, { folder, feeds: join(temporary, "model.safetensors"), threads });
    ours = await startOurs(backend, folder);
    for (const [index, { batch, latents }] of batches.entries()) {
      await ours.accumulate([batch], latents);
      await torch.warmUp(index);
    }
    const schedule = cosineSchedule({ peak: peakRate, totalSteps: rounds * batches.length });
    const done = [];
    for (let round = 0; round < rounds; round++) done.push(await runRound(round, { ours, torch, batches, schedule }));
    return summary(done, batches, torch.info);
  } finally {
    torch?.stop();
    await ours?.dispose();
    await backend.dispose();
    await rm(temporary, { recursive: true, force: true });
  }
}

async function startOurs(backend, folder) {
  const { config, weights } = await openModelFolder(folder);
  try {
    return await TrainingState.create(backend, config, async (name) => (await weights.read(name)).data);
  } finally {
    await weights.close();
  }
}

/** All feeds in one safetensors file, `<batch>.<feed>`. */
async function writeFeeds(folder, batches) {
  const feeds = new Map();
  for (const [index, { batch }] of batches.entries()) {
    for (const [name, tensor] of Object.entries(batch.feeds)) feeds.set(`${index}.${name}`, tensor);
  }
  const layout = [...feeds].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  await writeWeights(folder, { layout, data: (name) => feeds.get(name).data });
}

/** Who goes first changes from round to round. */
async function runRound(round, { ours, torch, batches, schedule }) {
  const rate = (index) => schedule(round * batches.length + index);
  const runOurs = async () => {
    const steps = [];
    for (const [index, { batch, latents }] of batches.entries()) {
      const start = performance.now();
      const { loss, answer, visionToText, textToVision } = await ours.step([batch], latents, rate(index));
      steps.push({ loss, answer, visionToText, textToVision, seconds: (performance.now() - start) / 1000 });
    }
    return steps;
  };
  const runTorch = async () => {
    const steps = [];
    for (const index of batches.keys()) steps.push(await torch.step(index, rate(index)));
    return steps;
  };
  if (round % 2 === 0) return { ours: await runOurs(), torch: await runTorch() };
  const first = await runTorch();
  return { torch: first, ours: await runOurs() };
}

function summary(rounds, batches, info) {
  const steps = rounds.flatMap(({ ours, torch }) => ours.map((step, index) => ({ ours: step, torch: torch[index] })));
  const differences = steps.map(({ ours, torch }) => Math.abs(ours.loss - torch.loss));
  const samples = batches.reduce((sum, { batch }) => sum + batch.samples, 0);
  const total = (done) => done.reduce((sum, { seconds }) => sum + seconds, 0);
  const speed = (who) => samples / median(rounds.map((round) => total(round[who])));
  return {
    ...info,
    steps,
    largestDifference: Math.max(...differences),
    // A loss that is no number agrees with nothing.
    agrees: differences.every((difference) => difference <= tolerance),
    samplesPerSecond: { ours: speed("ours"), torch: speed("torch") },
    ratio: median(rounds.map(({ ours, torch }) => total(torch) / total(ours))),
  };
}
