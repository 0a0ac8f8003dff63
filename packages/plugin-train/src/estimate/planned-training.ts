import type { FusionConfig } from "@fusion-vlm/core";
import { type TrainingCosts, type TrainingOptions, trainingCosts } from "@fusion-vlm/core/train";
import type { Dataset } from "../dataset/dataset.ts";
import type { SettledOptions, SettledStage } from "../options/settle-options.ts";
import { type MemoryEstimate, memoryEstimate } from "./memory-estimate.ts";
import { evaluationPasses, type PlannedWork, plannedPasses, plannedWork, type WorkPhase } from "./planned-work.ts";

/** A stage's options with those of the training that its memory and time depend on. */
export interface WorkOptions extends SettledStage {
  readonly seed: number;
  readonly pictureCacheBytes: number;
}

/** The options that a stage's memory and time depend on. */
export function workOptions(
  stage: SettledStage,
  { learning, keeping }: Pick<SettledOptions, "learning" | "keeping">,
): WorkOptions {
  return { ...stage, seed: learning.seed, pictureCacheBytes: keeping.pictureCacheBytes };
}

/** A stage that is ready to be estimated: model, data and options. */
export interface PlannedTraining {
  readonly config: FusionConfig;
  readonly options: WorkOptions;
  readonly datasets: readonly Pick<Dataset, "samples">[];
  readonly phases: readonly WorkPhase[];
  /** What it is evaluated on. */
  readonly heldout?: WorkPhase;
}

/** Settings that change what a training holds in memory. */
export type MemorySettings = Pick<
  WorkOptions,
  "microBatch" | "checkpointing" | "optimizer" | "beta1" | "beta2" | "epsilon" | "lora" | "pictureCacheBytes"
>;

export interface CountedTraining {
  readonly work: PlannedWork;
  readonly costs: TrainingCosts;
  readonly memory: MemoryEstimate;
}

/** Counts work and memory, with other settings than its own where they are given. */
export function countTraining(training: PlannedTraining, settings: Partial<MemorySettings> = {}): CountedTraining {
  const { config, datasets, phases, heldout } = training;
  const options = { ...training.options, ...settings };
  const work = plannedWork(phases, options);
  const passes = [...plannedPasses(work, phases, config), ...evaluationPasses(heldout, config, options.microBatch)];
  const costs = trainingCosts(config, passes, stateOptions(options));
  const memory = memoryEstimate({
    config,
    costs,
    samples: datasets.reduce((sum, { samples }) => sum + samples.length, 0),
    pictures: Math.min(distinctPictures(datasets), work.steps * options.batchSize),
    pictureCacheBytes: options.pictureCacheBytes,
    parts: options.batchSize / options.microBatch,
  });
  return { work, costs, memory };
}

/** The options of a training that its state takes. */
export function stateOptions(options: Partial<SettledStage>): TrainingOptions {
  const { optimizer, weightDecay, beta1, beta2, epsilon, maxGradientNorm, rules, lora, checkpointing } = options;
  const given = { optimizer, weightDecay, beta1, beta2, epsilon, maxGradientNorm, rules, lora, checkpointing };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Pictures of all data files, each counted once. */
export function distinctPictures(datasets: PlannedTraining["datasets"]): number {
  const paths = new Set<string>();
  for (const { samples } of datasets) for (const { picture } of samples) if (picture !== undefined) paths.add(picture);
  return paths.size;
}
