import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type FloatDtype, FusionError, presetNames } from "@fusion-vlm/core";
import { type ScheduleName, schedules } from "@fusion-vlm/core/train";
import { present } from "./present.ts";
import { type RecipeName, recipeNames, type StageName, stageNames } from "./stage-names.ts";
import { stagePresets } from "./stage-presets.ts";
import type { KeepingOptions, StageOptions, TrainingData, TrainOptions } from "./train-options.ts";

/** Options of a stage with their defaults; what depends on the model is still open. */
export interface SettledStage extends Omit<StageOptions, "data"> {
  /** Null for a training without stages. */
  readonly name: StageName | null;
  readonly data: readonly TrainingData[];
  readonly batchSize: number;
  readonly microBatch: number;
  readonly shapes: number;
  readonly warmupRatio: number;
  readonly schedule: ScheduleName;
}

/** A model that there is, by its folder or as `nano`; or a preset, which begins at random. */
export type TrainingStart = { readonly model: string } | { readonly preset: string };

/** All that decides what is learned. */
export interface LearningOptions {
  readonly from: TrainingStart;
  readonly images?: string;
  readonly recipe: RecipeName | null;
  readonly seed: number;
  readonly dtype: FloatDtype;
  readonly result: "last" | "best";
  readonly spikeFactor: number;
  readonly stages: readonly SettledStage[];
}

export interface SettledOptions extends Pick<TrainOptions, "device" | "threads" | "worker" | "onEvent" | "signal"> {
  readonly out: string;
  readonly restart: boolean;
  readonly learning: LearningOptions;
  readonly keeping: Required<Omit<KeepingOptions, OpenOption>> & Pick<KeepingOptions, OpenOption>;
}

type OpenOption = "checkpointSteps" | "availableBytes";

type Check = (value: number) => boolean;
const whole: Check = (value) => Number.isSafeInteger(value) && value >= 1;
const wholeOrZero: Check = (value) => value === 0 || whole(value);
const square: Check = (value) => whole(value) && Number.isInteger(Math.sqrt(value));
const positive: Check = (value) => value > 0 && Number.isFinite(value);
const notNegative: Check = (value) => value >= 0 && Number.isFinite(value);
const share: Check = (value) => value >= 0 && value < 1;

const wholeNumber = "a whole number of 1 or more";

/** Throws OPTION_INVALID naming the first option that is wrong. */
export function settleOptions(options: TrainOptions): SettledOptions {
  const { seed = 0, dtype = "float32", result = "last", spikeFactor = 3, stage } = options;
  const { recipe = "paper", images, restart = false, device, threads, worker, onEvent, signal } = options;
  check("seed", seed, wholeOrZero, "a whole number of 0 or more");
  check("spikeFactor", spikeFactor, (value) => value === 0 || value > 1, "0, or a number above 1");
  oneOf("dtype", dtype, ["float32", "float16", "bfloat16"]);
  oneOf("result", result, ["last", "best"]);
  oneOf("recipe", recipe, recipeNames);
  if (stage !== undefined) oneOf("stage", stage, [...stageNames, "all"]);
  const names = stage === "all" ? stageNames : [stage ?? null];
  for (const name of Object.keys(options.stages ?? {})) oneOf("stages", name, stageNames);
  const stages = names.map((name) => settleStage(name, options, recipe));
  if (result === "best" && stages.some(({ heldout }) => !heldout?.length)) {
    throw optionError("result", "held-out samples, by which the best is chosen", "none");
  }
  return {
    ...{ out: options.out, restart, device, threads, worker, onEvent, signal },
    learning: {
      ...{
        from: startOf(options),
        ...(images !== undefined && { images: resolve(images) }),
      },
      ...{ recipe: stage === undefined ? null : recipe, seed, dtype, result, spikeFactor, stages },
    },
    keeping: settleKeeping(options),
  };
}

function startOf({ model, preset }: Pick<TrainOptions, "model" | "preset">): TrainingStart {
  if (model !== undefined && preset === undefined) return { model: existsSync(model) ? resolve(model) : model };
  if (preset === undefined || model !== undefined) {
    throw optionError("model", "a model or a preset", preset === undefined ? "neither" : "both");
  }
  oneOf("preset", preset, presetNames);
  return { preset };
}

function settleKeeping(options: KeepingOptions): SettledOptions["keeping"] {
  const { checkpointMinutes = 5, checkpointSteps, keepCheckpoints = 2, keepTraining = false } = options;
  const { onDivergence = "stop", maxSkipped = 100, pictureCacheBytes = 512 * 1024 * 1024, availableBytes } = options;
  check("checkpointMinutes", checkpointMinutes, positive, "a number above 0");
  check("checkpointSteps", checkpointSteps, whole, wholeNumber);
  check("keepCheckpoints", keepCheckpoints, whole, wholeNumber);
  oneOf("onDivergence", onDivergence, ["stop", "skip"]);
  check("maxSkipped", maxSkipped, wholeOrZero, "a whole number of 0 or more");
  check("pictureCacheBytes", pictureCacheBytes, notNegative, "a number of 0 or more");
  check("availableBytes", availableBytes, positive, "a number above 0");
  return {
    ...{ checkpointMinutes, checkpointSteps, keepCheckpoints, keepTraining, onDivergence },
    ...{ maxSkipped, pictureCacheBytes, availableBytes },
  };
}

/** Every key of {@link StageOptions}: what a stage takes from the options of the whole training. */
const stageKeys: readonly (keyof StageOptions)[] = [
  ...(["data", "mix", "epochs", "maxSteps", "maxMinutes", "batchSize", "microBatch", "shapes", "maxLength"] as const),
  ...(["learningRate", "warmupRatio", "schedule", "optimizer", "rules", "lora", "checkpointing"] as const),
  ...([
    "weightDecay",
    "beta1",
    "beta2",
    "epsilon",
    "maxGradientNorm",
    "mappingWeight",
    "latentCounts",
    "window",
    "semantics",
  ] as const),
  ...(["heldout", "evaluateEvery", "patience"] as const),
];

/** A stage's own options win over those of the training, they over the preset. */
function settleStage(name: StageName | null, options: TrainOptions, recipe: RecipeName): SettledStage {
  const own = name === null ? {} : (options.stages?.[name] ?? {});
  const preset: StageOptions = name === null ? {} : stagePresets[recipe][name];
  const given: StageOptions = {
    ...preset,
    ...pick(options),
    ...pick(own),
    ...rulesOf(own.rules ?? options.rules, preset),
  };
  const of = name === null ? "" : ` of stage ${name}`;
  const checkHere = (key: string, value: number | undefined, isValid: Check, expected: string) =>
    check(`${key}${of}`, value, isValid, expected);

  const { batchSize = 16, shapes = 2, warmupRatio = 0.03, schedule = "cosine" } = given;
  checkHere("batchSize", batchSize, whole, wholeNumber);
  const { microBatch = largestDivisor(batchSize, 32) } = given;
  checkHere("microBatch", microBatch, whole, wholeNumber);
  if (batchSize % microBatch !== 0) {
    throw optionError(`microBatch${of}`, `a divisor of the batch size ${batchSize}`, String(microBatch));
  }
  for (const key of ["shapes", "epochs", "maxSteps", "maxLength", "window", "evaluateEvery", "patience"] as const) {
    checkHere(key, given[key], whole, wholeNumber);
  }
  checkHere("maxMinutes", given.maxMinutes, positive, "a number above 0");
  checkHere("learningRate", given.learningRate, positive, "a number above 0");
  checkHere("warmupRatio", warmupRatio, share, "a number from 0 to below 1");
  for (const key of ["beta1", "beta2"] as const) checkHere(key, given[key], share, "a number from 0 to below 1");
  checkHere("epsilon", given.epsilon, positive, "a number above 0");
  for (const key of ["weightDecay", "maxGradientNorm", "mappingWeight"] as const) {
    checkHere(key, given[key], notNegative, "a number of 0 or more");
  }
  if (given.latentCounts?.length === 0) throw optionError(`latentCounts${of}`, "at least one number", "none");
  for (const count of given.latentCounts ?? []) {
    checkHere("latentCounts", count, square, "squares such as 4, 16, 64");
  }
  oneOf(`schedule${of}`, schedule, Object.keys(schedules));
  if (given.semantics !== undefined) oneOf(`semantics${of}`, given.semantics, ["released", "paper"]);
  const data = settleData(given, of);
  const heldout = given.heldout?.map((file) => resolve(file));
  if (heldout === undefined && (given.evaluateEvery ?? given.patience) !== undefined) {
    const key = given.patience === undefined ? "evaluateEvery" : "patience";
    throw optionError(`${key}${of}`, "held-out samples beside it", "none");
  }
  const lora = given.lora && { seed: options.seed ?? 0, ...present(given.lora) };
  return {
    ...given,
    name,
    data,
    ...(heldout && { heldout }),
    ...(lora && { lora }),
    batchSize,
    microBatch,
    shapes,
    warmupRatio,
    schedule,
  };
}

/** Given rules stand in front of the preset's: the first that matches counts, and what none of them names stays as it was. */
function rulesOf(given: StageOptions["rules"], preset: StageOptions): Pick<StageOptions, "rules"> {
  if (given === undefined && preset.rules === undefined) return {};
  return { rules: [...(given ?? []), ...(preset.rules ?? [])] };
}

function settleData({ data: given, mix }: StageOptions, of: string): TrainingData[] {
  const data = (given ?? []).map((item) => (typeof item === "string" ? { file: item } : item));
  if (data.length === 0) throw optionError(`data${of}`, "at least one data file", "none");
  for (const item of data) {
    check(`epochs of ${item.file}`, item.epochs, whole, wholeNumber);
    check(`share of ${item.file}`, item.share, positive, "a number above 0");
  }
  const shared = data.filter((item) => item.share !== undefined).length;
  if (shared !== 0 && shared !== data.length) {
    throw optionError(`share${of}`, "a share for each data file, or for none", `${shared} of ${data.length}`);
  }
  if (mix && data.some((item) => item.epochs !== undefined || item.share !== undefined)) {
    throw optionError(`mix${of}`, "no epochs and shares of single files", "some");
  }
  return data.map((item) => ({ ...item, file: resolve(item.file) }));
}

function pick(options: StageOptions): StageOptions {
  return Object.fromEntries(stageKeys.filter((key) => options[key] !== undefined).map((key) => [key, options[key]]));
}

function largestDivisor(value: number, most: number): number {
  for (let divisor = Math.min(value, most); divisor > 1; divisor--) if (value % divisor === 0) return divisor;
  return 1;
}

function check(name: string, value: number | undefined, isValid: Check, expected: string): void {
  if (value === undefined || isValid(value)) return;
  throw optionError(name, expected, String(value));
}

function oneOf(name: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  const list = `${allowed.slice(0, -1).join(", ")} or ${allowed.at(-1)}`;
  throw optionError(name, list, String(value));
}

function optionError(name: string, expected: string, actual: string): FusionError {
  const hint = `Correct ${name}, or leave it out.`;
  return new FusionError({ code: "OPTION_INVALID", at: name, expected, actual, hint });
}
