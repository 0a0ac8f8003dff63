import { cpus } from "node:os";
import { Cleanup, type FloatDtype, FusionError, nodeBackend } from "@fusion-vlm/core";
import { type AdamWOptions, adamwDefaults, TrainingState } from "@fusion-vlm/core/train";
import { OutputFolder } from "@fusion-vlm/plugin-kit";
import { stepsOfEpoch } from "../batches/step-plans.ts";
import { Dataset } from "../dataset/dataset.ts";
import { SamplePlanner } from "../dataset/sample-planner.ts";
import { requireMemory } from "../estimate/require-memory.ts";
import { PictureStore } from "../pictures/picture-store.ts";
import { throwIfAborted } from "./abort.ts";
import { EventChannel } from "./event-channel.ts";
import { Pace } from "./pace.ts";
import { Phase } from "./phase.ts";
import { runSteps } from "./run-steps.ts";
import { savedBytes, saveModel } from "./save-model.ts";
import { CostCounter } from "./speed.ts";
import { openStart, type StartModel } from "./start-model.ts";
import type { StepEvent, TrainEvent } from "./train-events.ts";
import { logFile, TrainLog } from "./train-log.ts";
import { type SettledOptions, settleOptions, type TrainingData, type TrainOptions } from "./train-options.ts";

export interface TrainResult {
  readonly folder: string;
  readonly parameters: number;
  readonly dtype: FloatDtype;
  readonly steps: number;
  readonly samples: number;
  readonly seconds: number;
  /** Stopped early, and saved as it was then. */
  readonly interrupted: boolean;
  /** Samples left out, as they are longer than the context. */
  readonly skipped: number;
  /** What did not stop the training, and somebody should know. */
  readonly warnings: readonly string[];
  /** Numbers of the last step. */
  readonly last: StepEvent;
}

/** Threads that prepare pictures: they share the processor with the engine. */
const pictureThreads = 2;

const nothingWritten = "nothing was written";

/**
 * Trains a FUSION model on LLaVA-style data and writes a model folder that `loadFusion` opens.
 *
 * The folder appears when it is complete; a failure or an abort leaves nothing behind. Everything that is drawn at random
 * comes from the seed: a training that ends by steps or epochs has the same losses on the same processor type, number of
 * threads and versions.
 *
 * @throws OPTION_INVALID for options; DATASET_INVALID for data, naming file and record; MODEL_NOT_FOUND and the other errors of a model
 *   folder; MEMORY_INSUFFICIENT; WRITE_FAILED; BACKEND_UNAVAILABLE, BACKEND_FAILED; ABORTED by the signal, unless `saveOnInterrupt`
 */
export async function trainModel(options: TrainOptions): Promise<TrainResult> {
  const called = performance.now();
  const settled = settleOptions(options);
  const undo = new Cleanup();
  try {
    const result = await train(settled, called, undo);
    await undo.run();
    return result;
  } catch (error) {
    await undo.run().catch(() => undefined); // the first failure is the one to tell
    throw error;
  }
}

async function train(options: SettledOptions, called: number, undo: Cleanup): Promise<TrainResult> {
  const { out, dtype, seed, onEvent, signal, batchSize, microBatch, worker } = options;
  const abortCheck = () => throwIfAborted(signal, nothingWritten);
  abortCheck();
  const start = undo.later(await openStart(options), (model) => model.close());
  const output = undo.later(await OutputFolder.create(out, savedBytes(start, dtype)), (folder) => folder.remove());
  const log = undo.later(await TrainLog.create(output.path), (file) => file.close());
  const channel = new EventChannel(log, out, onEvent);
  const { emit } = channel;
  for (const folder of output.abandoned) await channel.warn(leftBehind(folder));

  const datasets = await openData(options, start, emit, undo);
  const { mean, std, imageSize } = start.config.vision;
  const pictures = undo.later(
    new PictureStore({
      prepare: { cropSize: imageSize, mean, std },
      cacheBytes: options.pictureCacheBytes,
      threads: worker === false ? 0 : pictureThreads,
    }),
    (store) => store.dispose(),
  );
  const phases = phasesOf(options, start, datasets, pictures);
  requireMemory({ config: start.config, options, datasets, phases });
  abortCheck();
  const backend = undo.later(await nodeBackend(options), (engine) => engine.dispose());
  const { optimizer = "adamw", weightDecay = 0, maxGradientNorm = 1, rules, lora, checkpointing } = options;
  const { beta1, beta2, epsilon } = optimizer === "adamw" ? { ...adamwDefaults, ...given(options) } : given(options);
  const optimiser = { optimizer, weightDecay, beta1, beta2, epsilon, maxGradientNorm, rules, lora, checkpointing };
  const state = undo.later(await TrainingState.create(backend, start.config, start.read, optimiser), (training) =>
    training.dispose(),
  );
  abortCheck();

  const peak = options.learningRate ?? (start.untrained ? 1e-3 : 2e-5);
  const epochs = epochsOf(options, phases.length);
  const parts = batchSize / microBatch;
  const phaseSteps = phases.map(({ size }, index) => {
    return Number.isFinite(epochs[index]) ? epochs[index]! * stepsOfEpoch(size, microBatch, parts) : epochs[index]!;
  });
  const shares = sharesOf(options, phases, phaseSteps);
  const { maxSteps, maxMinutes, warmupRatio } = options;
  const maxTime = maxMinutes === undefined ? undefined : maxMinutes * 60_000 - (performance.now() - called);
  const pace = new Pace({ phaseSteps, shares, maxSteps, maxTime, peak, warmupRatio, schedule: options.schedule });
  await emit({
    type: "begin",
    stage: null,
    stepsBefore: 0,
    model: start.name,
    parameters: start.parameters,
    device: backend.device,
    phases: phases.map(({ name, size, classes }) => ({ name, samples: size, shapes: classes.length })),
    steps: Number.isFinite(pace.totalSteps) ? pace.totalSteps : null,
    settings: {
      ...{ seed, batchSize, microBatch, learningRate: peak, warmupRatio, schedule: options.schedule, ...optimiser },
      mappingWeight: start.config.mappingWeight,
      latentCounts: start.config.latentCounts,
      semantics: start.config.semantics,
      epochs: epochs.map((count) => (Number.isFinite(count) ? count : null)),
      ...{ shares, maxSteps: maxSteps ?? null, maxMinutes: maxMinutes ?? null, dtype, shapes: options.shapes },
    },
    machine: {
      node: process.versions.node,
      platform: `${process.platform} ${process.arch}`,
      processor: cpus()[0]?.model ?? "unknown",
      cores: cpus().length,
      threads: options.threads ?? "default",
    },
  });

  await log.flush(); // a disk that is full by now would have no space for the model
  const done = await runSteps({
    ...{ state, phases, epochs, pace, batchSize, microBatch, seed, signal, onStep: emit },
    costs: new CostCounter((latents) => state.gradientGraph(latents)),
    latentCounts: start.config.latentCounts,
  });
  const interrupted = signal?.aborted ?? false;
  const saves = options.saveOnInterrupt ?? false;
  if (!done.last || !saves) throwIfAborted(signal, `after ${done.steps} steps, ${nothingWritten}`);
  if (!done.last) throw noTime(maxMinutes);

  await emit({ type: "saving", folder: out });
  const check = saves ? undefined : () => throwIfAborted(signal, `while saving, ${nothingWritten}`);
  await saveModel(output.path, { start, parameters: await state.read(), dtype, onTensor: check });
  const { steps, samples, last } = done;
  const seconds = (performance.now() - called) / 1000;
  await channel.end({ type: "end", steps, samples, seconds, interrupted });
  await log.close();
  check?.();
  await output.publish();
  onEvent?.({ type: "end", steps, samples, seconds, interrupted });
  const skipped = datasets.reduce((sum, dataset) => sum + dataset.skipped.length, 0);
  return {
    folder: out,
    parameters: start.parameters,
    dtype,
    steps,
    samples,
    seconds,
    interrupted,
    skipped,
    warnings: channel.warnings,
    last,
  };
}

async function openData(
  { data, images, maxSkipped, signal, onEvent }: SettledOptions,
  { config, tokenizer }: StartModel,
  emit: (event: TrainEvent) => Promise<void>,
  undo: Cleanup,
): Promise<Dataset[]> {
  const planner = new SamplePlanner(config, tokenizer);
  const datasets: Dataset[] = [];
  for (const { file } of data) {
    const onRecord = (records: number) => {
      throwIfAborted(signal, nothingWritten);
      onEvent?.({ type: "reading", file, records });
    };
    const opened = await Dataset.open(file, { planner, images, maxSkipped, onRecord });
    datasets.push(undo.later(opened, (dataset) => dataset.close()));
    const { samples, pictures, skipped, cutInstructions } = opened;
    await emit({ type: "data", file, samples: samples.length, pictures, skipped, cutInstructions });
  }
  return datasets;
}

function phasesOf(
  { mix, shapes }: SettledOptions,
  { config }: StartModel,
  datasets: readonly Dataset[],
  pictures: PictureStore,
): Phase[] {
  const options = { config, pictures, shapes };
  if (mix) return [new Phase(datasets.map(({ file }) => file).join(" + "), datasets, options)];
  return datasets.map((dataset) => new Phase(dataset.file, [dataset], options));
}

/** Without any limit, one epoch; where steps or time are the limit, as many as they allow. */
function epochsOf({ data, mix, epochs, maxSteps, maxMinutes }: SettledOptions, phases: number): number[] {
  const common = epochs ?? (maxSteps === undefined && maxMinutes === undefined ? 1 : Number.POSITIVE_INFINITY);
  return Array.from({ length: phases }, (_, index) => (mix ? common : (data[index]!.epochs ?? common)));
}

function sharesOf({ data, mix }: SettledOptions, phases: readonly Phase[], phaseSteps: readonly number[]): number[] {
  const given = data.map(({ share }: TrainingData) => share);
  const bySteps = phaseSteps.every(Number.isFinite) ? phaseSteps : phases.map(({ size }) => size);
  const weights = mix || given[0] === undefined ? bySteps : given.map((share) => share!);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** The AdamW options that were given. */
function given({ beta1, beta2, epsilon }: TrainOptions): Partial<AdamWOptions> {
  return Object.fromEntries(Object.entries({ beta1, beta2, epsilon }).filter(([, value]) => value !== undefined));
}

function leftBehind(folder: string): string {
  return `${folder}: left by a training that was killed; delete it when its ${logFile} is of no use to you`;
}

function noTime(maxMinutes: number | undefined): FusionError {
  return new FusionError({
    code: "OPTION_INVALID",
    at: "maxMinutes",
    expected: "time for at least one step",
    actual: `${maxMinutes} minutes, which reading the data took`,
    hint: "Allow more time, or give less data.",
  });
}
