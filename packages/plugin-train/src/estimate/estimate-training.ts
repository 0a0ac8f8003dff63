import { join } from "node:path";
import { type Backend, Cleanup, nodeBackend } from "@fusion-vlm/core";
import { type TrainedPart, TrainingState } from "@fusion-vlm/core/train";
import { availableMemory, temporaryFolder } from "@fusion-vlm/plugin-kit";
import { paddedSizes } from "../batches/batch-sizes.ts";
import { type SettledOptions, type SettledStage, settleOptions } from "../options/settle-options.ts";
import type { StageName } from "../options/stage-names.ts";
import type { TrainOptions } from "../options/train-options.ts";
import { PictureStore } from "../pictures/picture-store.ts";
import type { Phase } from "../trainer/phase.ts";
import { type PhaseData, StageData } from "../trainer/stage-data.ts";
import { usualEvaluation } from "../trainer/stage-training.ts";
import { forStage, openStart, requireOrder, type StartModel } from "../trainer/start-model.ts";
import { matmulRate } from "./matmul-rate.ts";
import { type MemoryEstimate, pictureBytes } from "./memory-estimate.ts";
import {
  type CountedTraining,
  countTraining,
  distinctPictures,
  type PlannedTraining,
  stateOptions,
  workOptions,
} from "./planned-training.ts";
import { type ProbeResult, probeSteps } from "./probe-steps.ts";
import { type MemoryCure, memoryCure } from "./require-memory.ts";
import {
  flopsOfStep,
  kindsToMeasure,
  secondsOfStep,
  stepEfficiency,
  type WorkItem,
  workItems,
} from "./time-estimate.ts";

export interface EstimateOptions extends Omit<TrainOptions, "out"> {
  /** Run a few steps to learn how fast they are, where they are short; true when absent. */
  readonly probe?: boolean;
}

/** What one data file holds. Counts are of one time through it. */
export interface DataEstimate {
  /** Its path, and its place in the mixing file where that names it twice. */
  readonly source: string;
  readonly samples: number;
  /** Left out, as they are too long or cannot be read. */
  readonly skipped: number;
  readonly pictures: number;
  readonly textTokens: number;
  readonly imageTokens: number;
  /** Tokens that count in the loss. */
  readonly answerTokens: number;
  /** Rows that hold latent tokens, and rows that hold nothing; averaged over the set of Q. */
  readonly latentRows: number;
  readonly paddedRows: number;
}

export interface TimeEstimate {
  /** Of all: preparing, compiling, steps, evaluating, saving. */
  readonly seconds: number;
  readonly secondsPerStep: number;
  /** Held-out samples, all evaluations together. */
  readonly evaluating: number;
  /** Reading the data and opening the model, as it went just now. */
  readonly preparing: number;
  readonly compiling: number;
  /** What the figures stand on. */
  readonly basis: TimeBasis;
}

export type TimeBasis =
  /** Real steps that were run for this. */
  | { readonly kind: "probe"; readonly steps: number; readonly seconds: number }
  /** Counted operations over the measured speed of matrix products, times the share of it that training reaches. */
  | { readonly kind: "arithmetic"; readonly matmulFlopsPerSecond: number; readonly efficiency: number };

/** What a training will be, before it starts. */
export interface TrainingEstimate {
  readonly model: string;
  /** One for a training without stages. */
  readonly stages: readonly StageEstimate[];
  readonly fits: boolean;
  /** Of all stages; null where one does not fit. */
  readonly seconds: number | null;
}

export interface StageEstimate {
  /** Null for a training without stages. */
  readonly stage: StageName | null;
  readonly parameters: {
    readonly all: number;
    readonly trained: number;
    readonly parts: Readonly<Record<TrainedPart, number>>;
    readonly adapters: number;
  };
  readonly data: readonly DataEstimate[];
  /** Updates, and the samples that they go through; null where only time ends a training that does not fit. */
  readonly steps: number | null;
  readonly samples: number | null;
  /** Multiplications and additions of matrix products, forward and backward, padding included. */
  readonly flops: { readonly perStep: number; readonly total: number | null };
  /** Bytes at the peak. */
  readonly memory: MemoryEstimate & {
    readonly available: number;
    readonly fits: boolean;
    /** The mildest setting that makes it fit, where it does not. */
    readonly cure: MemoryCure | null;
  };
  /** Null where the training does not fit. */
  readonly time: TimeEstimate | null;
}

/** Steps that are expected to take longer are not tried out. */
const longestProbedStep = 5;
/** Seconds of measuring, compiling not counted. */
const probeSeconds = 12;
const mostKinds = 12;
/** Bytes per second that a model is written with: a modest disk. */
const writeRate = 200e6;

/**
 * Says how large a training is, what memory it takes, and how long it goes on, without starting it.
 *
 * @throws as `trainModel` for options, data and model; not for a training that does not fit: see `memory.fits`
 */
export async function estimateTraining(options: EstimateOptions): Promise<TrainingEstimate> {
  const undo = new Cleanup();
  try {
    return await estimate(options, undo);
  } finally {
    await undo.run();
  }
}

async function estimate(given: EstimateOptions, undo: Cleanup): Promise<TrainingEstimate> {
  const { path: presetFolder, remove } = await temporaryFolder();
  undo.later(undefined, remove);
  const options = settleOptions({ ...given, out: "" });
  const { learning, worker, keeping, signal } = options;
  const { pictureCacheBytes } = keeping;
  const opening = openStart({ ...learning, presetFolder: join(presetFolder, "start"), signal });
  const start = undo.later(await opening, (model) => model.close());
  const { mean, std, imageSize } = start.config.vision;
  const pictures = undo.later(
    new PictureStore({
      prepare: { cropSize: imageSize, mean, std },
      cacheBytes: pictureCacheBytes,
      threads: worker === false ? 0 : 2,
    }),
    (store) => store.dispose(),
  );
  const [first] = learning.stages;
  if (first!.name !== null) requireOrder(start, first!.name);
  const stages: StageEstimate[] = [];
  for (const stage of learning.stages) stages.push(await estimateStage({ given, options, stage, start, pictures }));
  const fits = stages.every(({ memory }) => memory.fits);
  const seconds = stages.reduce((sum, { time }) => sum + (time?.seconds ?? 0), 0);
  return { model: start.name, stages, fits, seconds: fits ? seconds : null };
}

interface StageInputs {
  readonly given: EstimateOptions;
  readonly options: SettledOptions;
  readonly stage: SettledStage;
  readonly start: StartModel;
  readonly pictures: PictureStore;
}

async function estimateStage({ given, options, stage, start: model, pictures }: StageInputs): Promise<StageEstimate> {
  const called = performance.now();
  const undo = new Cleanup();
  try {
    const { learning, keeping, signal, onEvent } = options;
    const start = forStage(model, stage);
    const { config } = start;
    const outcome = "nothing was written";
    const opening = StageData.open({ stage, learning, keeping, start, pictures, onReading: onEvent, signal, outcome });
    const data = undo.later(await opening, (opened) => opened.close());
    const { phases, heldout } = data;
    const training: PlannedTraining = {
      ...{ config, phases, heldout, datasets: data.parts.flatMap(({ datasets }) => datasets) },
      options: workOptions(stage, options),
    };
    const counted = countTraining(training);
    const available = keeping.availableBytes ?? availableMemory();
    const fits = counted.memory.total <= available;
    const { batchSize, microBatch } = stage;
    const items = workItems(counted.work, counted.costs, { config, phases, parts: batchSize / microBatch, microBatch });
    const preparing = (performance.now() - called) / 1000;
    const inputs = { training, phases, start, counted, items, preparing, probe: given.probe ?? true, options };
    const time = fits ? await timeOf(inputs, undo) : null;
    const flops = flopsOfStep(items);
    const steps = stepsOf(counted, stage, time);
    return {
      stage: stage.name,
      parameters: counted.costs.parameters,
      data: dataOf(data.parts, training),
      steps: finite(steps),
      samples: finite(samplesOf(counted, stage, steps)),
      flops: { perStep: flops, total: finite(flops * steps) },
      memory: { ...counted.memory, available, fits, cure: fits ? null : (memoryCure(training, available) ?? null) },
      time,
    };
  } finally {
    await undo.run();
  }
}

interface TimeInputs {
  readonly training: PlannedTraining;
  readonly phases: readonly Phase[];
  readonly start: StartModel;
  readonly counted: CountedTraining;
  readonly items: readonly WorkItem[];
  readonly preparing: number;
  readonly probe: boolean;
  readonly options: SettledOptions;
}

async function timeOf(inputs: TimeInputs, undo: Cleanup): Promise<TimeEstimate> {
  const { training, counted, items, preparing, options } = inputs;
  const { config } = training;
  const stage = training.options;
  const began = performance.now();
  const backend = undo.later(await nodeBackend(options), (engine) => engine.dispose());
  const rate = await matmulRate(backend);
  const efficiency = stepEfficiency(config);
  const longest = Math.max(...items.map(({ flops }) => flops)) / (rate.best * efficiency);
  const isProbed = inputs.probe && longest <= longestProbedStep;
  const probed = isProbed ? await probe(inputs, backend, undo) : undefined;
  const byArithmetic = flopsOfStep(items) / (rate.mean * efficiency);
  const secondsPerStep = probed ? probed.secondsPerStep : byArithmetic;
  const nodes = counted.costs.passes.reduce((sum, pass) => sum + pass.nodes, 0);
  const compiling = probed?.result.compileSeconds ?? nodes * secondsOfNode;
  const opening = preparing + (probed?.opening ?? (performance.now() - began) / 1000);
  const saving = (2 * counted.costs.parameterBytes) / writeRate;
  const { maxMinutes } = stage;
  const evaluating = evaluationSeconds(training, counted, secondsPerStep / stage.batchSize);
  const byWork = opening + compiling + counted.work.steps * secondsPerStep + evaluating + saving;
  return {
    seconds: maxMinutes === undefined ? byWork : Math.min(byWork, opening + 60 * maxMinutes + saving),
    ...{ secondsPerStep, evaluating },
    preparing: opening,
    compiling,
    basis: probed
      ? {
          kind: "probe",
          steps: probed.result.kinds.reduce((sum, { steps }) => sum + steps, 0),
          seconds: probed.result.seconds,
        }
      : { kind: "arithmetic", matmulFlopsPerSecond: rate.mean, efficiency },
  };
}

/** A forward pass is a third of a step; every evaluation, and the one at the end. */
function evaluationSeconds(
  { heldout, options }: PlannedTraining,
  { work }: CountedTraining,
  secondsPerSample: number,
): number {
  if (!heldout) return 0;
  const every = options.evaluateEvery ?? usualEvaluation(work.steps);
  const evaluations = Number.isFinite(work.steps) ? Math.ceil(work.steps / every) : 1;
  return (evaluations * heldout.size * secondsPerSample) / 3;
}

/** Compiling a node of a gradient program, where no probe has shown it. */
const secondsOfNode = 0.5e-3;

async function probe(
  { training, phases, start, counted, items, options }: TimeInputs,
  backend: Backend,
  undo: Cleanup,
): Promise<{ secondsPerStep: number; opening: number; result: ProbeResult }> {
  const { config, datasets } = training;
  const began = performance.now();
  const { batchSize, microBatch, seed } = training.options;
  const { signal } = options;
  const creating = TrainingState.create(backend, config, start.read, stateOptions(training.options));
  const state = undo.later(await creating, (opened) => opened.dispose());
  const opening = (performance.now() - began) / 1000;
  const kinds = kindsToMeasure(items, mostKinds);
  const result = await probeSteps({
    ...{ state, phases, kinds, microBatch, parts: batchSize / microBatch, seed, signal },
    fresh: freshShare(counted, training, distinctPictures(datasets)) > 0.5,
    seconds: probeSeconds,
  });
  const measured = result.kinds.map((kind, index) => ({ ...kind, flops: kinds[index]!.flops }));
  return { secondsPerStep: secondsOfStep(items, measured), opening, result };
}

/** Part of the samples whose picture has to be prepared anew. */
function freshShare({ work }: CountedTraining, { config, options }: PlannedTraining, pictures: number): number {
  if (pictures * pictureBytes(config) > options.pictureCacheBytes) return 1;
  return Math.min(1, pictures / (work.steps * options.batchSize));
}

/** Steps by epochs and limits; those that fit into the time where that ends it. */
function stepsOf({ work }: CountedTraining, { maxMinutes }: SettledStage, time: TimeEstimate | null): number {
  if (maxMinutes === undefined || !time) return work.steps;
  const left = 60 * maxMinutes - time.compiling;
  return Math.min(work.steps, Math.max(1, Math.floor(left / time.secondsPerStep)));
}

/** The last step of an epoch may be smaller than the others. */
function samplesOf({ work }: CountedTraining, { batchSize }: SettledStage, steps: number): number {
  if (steps < work.steps) return steps * batchSize;
  return work.phases.reduce((sum, phase) => {
    const epochs = Math.floor(phase.steps / phase.stepsOfEpoch);
    return sum + epochs * phase.samples + (phase.steps - epochs * phase.stepsOfEpoch) * batchSize;
  }, 0);
}

function dataOf(parts: readonly PhaseData[], { config }: PlannedTraining): DataEstimate[] {
  const counts = config.latentCounts;
  const meanLatents = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return parts.flatMap(({ phase, datasets }) => {
    let before = 0;
    return datasets.map((dataset) => {
      const { samples } = dataset;
      const { source, skipped, pictures } = dataset.summary();
      const first = before;
      before += samples.length;
      const total = (of: (sample: (typeof samples)[number]) => number) =>
        samples.reduce((sum, each) => sum + of(each), 0);
      const textTokens = total(({ tokens }) => tokens);
      const rows = total((sample) => sample.rows);
      const latentRows = total(({ questions }) => questions) * meanLatents;
      const padded = phase.classes.reduce((sum, shape) => {
        const own = shape.members.filter((member) => member >= first && member < before).length;
        const lengths = counts.map((latents) => paddedSizes(shape, 1, latents, config).S);
        return sum + (own * lengths.reduce((all, length) => all + length, 0)) / counts.length;
      }, 0);
      return {
        ...{ source, samples: samples.length, skipped: skipped.length, pictures, textTokens },
        imageTokens: rows - textTokens,
        answerTokens: total(({ answers }) => answers),
        latentRows: Math.round(latentRows),
        paddedRows: Math.round(padded - rows - latentRows),
      };
    });
  });
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
