// nano's training step: speed at each Q, how it grows with batch, length and width, and PyTorch's beside it.

import { fusionParameters, modelPreset, nodeBackend, parseConfig, readModelConfig } from "@fusion-vlm/core";
import { graphCost } from "@fusion-vlm/core/graph";
import { randomParameters } from "@fusion-vlm/core/testing";
import { gradientGraph, parameterGroups, TrainingState } from "@fusion-vlm/core/train";
import { measure } from "./peak.mjs";
import { compareWithTorch } from "./torch-comparison.mjs";
import { findTorch, withoutTorch } from "./torch-process.mjs";
import { syntheticBatch } from "./training-batches.mjs";

const usual = { samples: 16, questions: 4, width: 1 };
const growth = {
  batch: [4, 8, 16, 32].map((samples) => ({ ...usual, samples })),
  length: [1, 4, 8].map((questions) => ({ ...usual, questions })),
  width: [1, 1.5, 2].map((width) => ({ ...usual, width })),
};
/** After the compile and one warm-up, a step is repeated for a second or two: the whole bench stays near a minute. */
const pace = { repeats: 3, minSeconds: 1, maxSeconds: 2 };
const learningRate = 1e-4;
/** 20 steps beside PyTorch: a round is one over each of four batches. */
const beside = { batches: 4, rounds: 5 };

/**
 * @param folder - model folder of the preset, where the comparison with PyTorch starts
 * @param options - preset name; threads for us and for PyTorch; peak of matrix products in FLOP/s, of the same run
 * @returns speed of a step for each Q, and at the smallest Q for each size of {@link growth}; the comparison, or why there is none
 */
export async function benchTraining(folder, { preset, threads, peak }) {
  const config = await readModelConfig(folder);
  const smallest = Math.min(...config.latentCounts);
  const steps = config.latentCounts.map((latents) => ({ ...usual, latents }));
  const grown = Object.entries(growth).map(([axis, cases]) => [
    axis,
    cases.map((sizes) => ({ ...sizes, latents: smallest })),
  ]);
  const measured = await measureAll([...steps, ...grown.flatMap(([, cases]) => cases)], { preset, threads, peak });
  const rowsOf = (cases) => cases.map((sizes) => measured.get(keyOf(sizes)));
  return {
    ...{ preset, threads, steps: rowsOf(steps) },
    growth: Object.fromEntries(grown.map(([axis, cases]) => [axis, rowsOf(cases)])),
    torch: await besideTorch(folder, config, threads),
  };
}

const keyOf = ({ samples, questions, width, latents }) => [samples, questions, width, latents].join();

/** Rows by {@link keyOf}. One program lives at a time, since the engine keeps the memory of the largest batch that it has run. */
async function measureAll(cases, { preset, threads, peak }) {
  const rows = new Map();
  for (const model of new Set(cases.map(({ width, latents }) => `${width} ${latents}`))) {
    const [width, latents] = model.split(" ").map(Number);
    const training = await openTraining(preset, { width, latents, threads });
    try {
      for (const sizes of cases) {
        const isKnown = rows.has(keyOf(sizes));
        if (isKnown || sizes.width !== width || sizes.latents !== latents) continue;
        rows.set(keyOf(sizes), await measureStep(training, { ...sizes, peak }));
      }
    } finally {
      await training.state.dispose();
      await training.backend.dispose();
    }
  }
  return rows;
}

/** The preset in training at a width; values do not matter, so random ones do. */
async function openTraining(preset, { width, latents, threads }) {
  const config = widened(preset, width);
  const values = randomParameters(config);
  const groups = parameterGroups(fusionParameters(config), { weightDecay: 0 });
  const backend = await nodeBackend({ device: "cpu", worker: false, threads });
  const state = await TrainingState.create(backend, config, async (name) => values.get(name).data);
  return { config, groups, backend, state, graph: gradientGraph(config, groups, { latents, accumulates: false }) };
}

/** Median seconds of one step (gradient and update) over a batch, and its matrix arithmetic. */
async function measureStep({ config, state, groups, graph }, { samples, questions, width, latents, peak }) {
  const batch = syntheticBatch(config, { samples, questions, latents });
  const seconds = await measure(() => state.step([batch], latents, learningRate), pace);
  const { flops } = graphCost(graph, batch.sizes);
  return {
    ...{ samples, questions, width, latents, sizes: batch.sizes },
    parameters: groups.reduce((sum, { size }) => sum + size, 0),
    seconds,
    samplesPerSecond: samples / seconds,
    flops,
    flopsPerSecond: flops / seconds,
    ofPeak: flops / seconds / peak,
  };
}

/** The preset with all widths times `factor`, as near as the numbers of heads allow. */
export function widened(preset, factor) {
  const { config, vision } = modelPreset(preset);
  const scale = (width, multiple = 1) => Math.round((width * factor) / multiple) * multiple;
  const { num_attention_heads: heads, fusion_interaction_heads: interactionHeads = 16 } = config;
  const language = {
    ...config,
    hidden_size: scale(config.hidden_size, leastCommonMultiple(2 * heads, interactionHeads)), // 2: rotary halves
    intermediate_size: scale(config.intermediate_size),
  };
  const tower = {
    ...vision,
    hidden_size: scale(vision.hidden_size, vision.num_attention_heads),
    intermediate_size: scale(vision.intermediate_size),
  };
  return parseConfig(language, tower, `${preset} of width ×${factor}`);
}

function leastCommonMultiple(a, b) {
  let multiple = a;
  while (multiple % b !== 0) multiple += a;
  return multiple;
}

/** The smallest and the largest Q of the model by turns. */
async function besideTorch(folder, config, threads) {
  const python = findTorch();
  if (!python) return { notCompared: withoutTorch };
  process.stderr.write("bench: the same steps in PyTorch …\n");
  const counts = [Math.min(...config.latentCounts), Math.max(...config.latentCounts)];
  const batches = Array.from({ length: beside.batches }, (_, seed) => {
    const latents = counts[seed % 2];
    return { latents, batch: syntheticBatch(config, { ...usual, latents, seed }) };
  });
  return compareWithTorch(folder, { python, batches, rounds: beside.rounds, threads });
}
