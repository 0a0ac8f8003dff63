import { type FloatDtype, FusionError, type NodeBackendOptions } from "@fusion-vlm/core";
import {
  type LoraOptions,
  type OptimizerName,
  type ParameterRule,
  type ScheduleName,
  schedules,
} from "@fusion-vlm/core/train";
import type { TrainEvent } from "./train-events.ts";

/** One data file of a training, in the order of the curriculum. */
export interface TrainingData {
  readonly file: string;
  /** Times that it is gone through; the training's own `epochs` when absent. */
  readonly epochs?: number;
  /** Its part of `maxSteps` and `maxMinutes`; by its steps when absent. Only the ratio of the shares counts. */
  readonly share?: number;
}

export interface TrainOptions extends Omit<NodeBackendOptions, "worker"> {
  /** Model folder to go on from, or a preset to begin at random with. */
  readonly model: string;
  /** Files that are trained on one after the other; under `mix` together. */
  readonly data: readonly (string | TrainingData)[];
  /** All files are one dataset, shuffled as a whole. */
  readonly mix?: boolean;
  /** Model folder to write; it must be empty or not exist. */
  readonly out: string;
  /** Folder that image paths are relative to; that of each data file when absent. */
  readonly images?: string;

  /** Training ends at whichever of the three comes first; 1 epoch when none is given. */
  readonly epochs?: number;
  readonly maxSteps?: number;
  /** Wall time from the call to the last step, reading included; saving comes on top, and at most one step. */
  readonly maxMinutes?: number;

  /** Samples of an update; 16 when absent. */
  readonly batchSize?: number;
  /** Samples that run through the model together; the batch size when absent. */
  readonly microBatch?: number;
  /** Most lengths that samples are grouped by and padded to: more of them pad less, and mix samples less. 2 when absent. */
  readonly shapes?: number;

  /** Peak learning rate; 1e-3 for a model at random and 2e-5 (paper, stage 1.5) for any other when absent. */
  readonly learningRate?: number;
  /** 0.03 when absent, as in the paper. */
  readonly warmupRatio?: number;
  /** How the rate goes on after the warm-up; `cosine` when absent, as in the paper. */
  readonly schedule?: ScheduleName;
  /** `adamw` when absent; `adafactor` keeps far less in memory and takes no beta1, beta2 and epsilon. */
  readonly optimizer?: OptimizerName;
  /** Parts with a learning rate or weight decay of their own, or frozen; the first that matches a parameter counts for it. */
  readonly rules?: readonly ParameterRule[];
  /** Train adapters instead of the weights; what is written is the merged model. */
  readonly lora?: LoraOptions;
  /** Compute layers again in the backward pass instead of keeping them: the same losses in less memory, for more work. */
  readonly checkpointing?: boolean;
  /** Of matrices; 0 when absent, as in the paper. */
  readonly weightDecay?: number;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  /** The gradient is scaled down to this L2 norm; 1 when absent, 0 never. */
  readonly maxGradientNorm?: number;
  /** λ of equation (15); the model's own when absent. */
  readonly mappingWeight?: number;
  /** The set that Q is drawn from, a square for each; the model's own when absent. */
  readonly latentCounts?: readonly number[];

  /** Decides the order of samples, every Q, and a preset's first weights. 0 when absent. */
  readonly seed?: number;
  /** Element type of the weights that are written; float32 when absent. */
  readonly dtype?: FloatDtype;
  /** Samples longer than the context that are left out; more are an error. 100 when absent. */
  readonly maxSkipped?: number;
  /** Bytes of prepared pictures that are kept in memory; 512 MB when absent. */
  readonly pictureCacheBytes?: number;
  /** Compute and prepare pictures in threads of their own; true when absent. */
  readonly worker?: boolean;

  /** An abort after the first step saves the model as it is, instead of nothing. */
  readonly saveOnInterrupt?: boolean;
  readonly onEvent?: (event: TrainEvent) => void;
  readonly signal?: AbortSignal;
}

/** Options with their defaults; what depends on the model is still open. */
export type SettledOptions = TrainOptions &
  Required<
    Pick<
      TrainOptions,
      | "batchSize"
      | "microBatch"
      | "shapes"
      | "warmupRatio"
      | "schedule"
      | "seed"
      | "dtype"
      | "maxSkipped"
      | "pictureCacheBytes"
    >
  > & { readonly data: readonly TrainingData[] };

/** Throws OPTION_INVALID naming the first option that is wrong. */
export function settleOptions(options: TrainOptions): SettledOptions {
  const { batchSize = 16, shapes = 2, warmupRatio = 0.03, seed = 0, dtype = "float32", maxSkipped = 100 } = options;
  const { microBatch = batchSize, pictureCacheBytes = 512 * 1024 * 1024, schedule = "cosine" } = options;
  const data = options.data.map((item) => (typeof item === "string" ? { file: item } : item));
  const atLeast = (least: number) => (value: number) => value >= least && Number.isFinite(value);
  const whole = (value: number) => Number.isSafeInteger(value) && value >= 1;
  const isSquare = (value: number) => whole(value) && Number.isInteger(Math.sqrt(value));
  const positive = (value: number) => value > 0 && Number.isFinite(value);
  const share = (value: number) => value >= 0 && value < 1;

  if (data.length === 0) throw optionError("data", "at least one data file", "none");
  for (const item of data) {
    check(`epochs of ${item.file}`, item.epochs, whole, "a whole number of 1 or more");
    check(`share of ${item.file}`, item.share, positive, "a number above 0");
  }
  const shared = data.filter((item) => item.share !== undefined).length;
  if (shared !== 0 && shared !== data.length) {
    throw optionError("share", "a share for each data file, or for none", `${shared} of ${data.length}`);
  }
  if (options.mix && data.some((item) => item.epochs !== undefined || item.share !== undefined)) {
    throw optionError("mix", "no epochs and shares of single files", "some");
  }
  check("batchSize", batchSize, whole, "a whole number of 1 or more");
  check("microBatch", microBatch, whole, "a whole number of 1 or more");
  if (batchSize % microBatch !== 0) {
    throw optionError("microBatch", `a divisor of the batch size ${batchSize}`, String(microBatch));
  }
  check("shapes", shapes, whole, "a whole number of 1 or more");
  check("epochs", options.epochs, whole, "a whole number of 1 or more");
  check("maxSteps", options.maxSteps, whole, "a whole number of 1 or more");
  check("maxMinutes", options.maxMinutes, positive, "a number above 0");
  check("learningRate", options.learningRate, positive, "a number above 0");
  check("warmupRatio", warmupRatio, share, "a number from 0 to below 1");
  check("weightDecay", options.weightDecay, atLeast(0), "a number of 0 or more");
  check("beta1", options.beta1, share, "a number from 0 to below 1");
  check("beta2", options.beta2, share, "a number from 0 to below 1");
  check("epsilon", options.epsilon, positive, "a number above 0");
  check("maxGradientNorm", options.maxGradientNorm, atLeast(0), "a number of 0 or more");
  check("mappingWeight", options.mappingWeight, atLeast(0), "a number of 0 or more");
  if (options.latentCounts?.length === 0) throw optionError("latentCounts", "at least one number", "none");
  for (const count of options.latentCounts ?? []) check("latentCounts", count, isSquare, "squares such as 4, 16, 64");
  check("seed", seed, (value) => value === 0 || whole(value), "a whole number of 0 or more");
  check("maxSkipped", maxSkipped, (value) => value === 0 || whole(value), "a whole number of 0 or more");
  check("pictureCacheBytes", pictureCacheBytes, atLeast(0), "a number of 0 or more");
  if (!Object.hasOwn(schedules, schedule)) {
    throw optionError("schedule", Object.keys(schedules).join(", "), String(schedule));
  }
  if (!["float32", "float16", "bfloat16"].includes(dtype)) {
    throw optionError("dtype", "float32, float16 or bfloat16", String(dtype));
  }
  const settled = { batchSize, microBatch, shapes, warmupRatio, schedule, seed, dtype, maxSkipped, pictureCacheBytes };
  return { ...options, ...settled, data };
}

function check(name: string, value: number | undefined, isValid: (value: number) => boolean, expected: string): void {
  if (value === undefined || isValid(value)) return;
  throw optionError(name, expected, String(value));
}

function optionError(name: string, expected: string, actual: string): FusionError {
  const hint = `Correct ${name}, or leave it out.`;
  return new FusionError({ code: "OPTION_INVALID", at: name, expected, actual, hint });
}
