import { FusionError } from "@fusion-vlm/core";
import { type LoadedConfig, UsageError } from "@fusion-vlm/plugin-kit";
import type { Interfaces } from "@oclif/core";
import { present } from "../options/present.ts";
import { settleOptions } from "../options/settle-options.ts";
import { type StageName, stageNames } from "../options/stage-names.ts";
import type { StageOptions, TrainingData, TrainOptions } from "../options/train-options.ts";
import { trainConfig } from "./train-config.ts";
import type { trainingFlags } from "./train-flags.ts";
import { loraOf, rulesOf } from "./train-rules.ts";

/** Values of the flags that say what is trained, and how. */
export type TrainingFlags = Omit<Interfaces.InferredFlags<typeof trainingFlags>, WrittenFlag> &
  Partial<Pick<Interfaces.InferredFlags<typeof trainingFlags>, WrittenFlag>>;
/** Flags about what is written, which an estimate does not have. */
type WrittenFlag = "dtype" | "result";

/** Options of a training without its engine and place. */
export type GivenOptions = Omit<TrainOptions, "out">;

/**
 * What flags and fusion.config say of a training: flags win over what the configuration says of a stage, that over what it says
 * of all.
 *
 * @param model - what it goes on from where neither flags nor `plugins.train` name a preset
 * @throws CONFIG_INVALID; UsageError for flags that do not go together
 */
export function givenOptions(flags: TrainingFlags, loaded: LoadedConfig, model: string): GivenOptions {
  const { common, stages, training } = trainConfig(loaded);
  const stage = (flags.stage as TrainOptions["stage"]) ?? training.stage;
  const own: Partial<TrainOptions> = present({
    images: flags.images,
    recipe: flags.recipe,
    seed: flags.seed,
    dtype: flags.dtype,
    result: flags.result,
    spikeFactor: flags["spike-factor"],
  });
  const everywhere = stageOptions(flags);
  const data = dataOf(flags, stage === "all");
  const preset = flags.preset ?? (flags.model === undefined ? training.preset : undefined);
  const { preset: _, ...others } = training;
  const from = preset === undefined ? { model } : { preset };
  const all = { ...others, ...own, ...from, ...(stage && { stage }) };
  if (stage === undefined) return { ...all, ...common, ...everywhere, ...present({ data: data.common }) };
  return {
    ...all,
    stages: Object.fromEntries(
      (stage === "all" ? stageNames : [stage]).map((name) => {
        const given = present({ data: data.common ?? data.stages[name] });
        return [name, { ...common, ...stages[name], ...everywhere, ...given }];
      }),
    ),
  };
}

function stageOptions(flags: TrainingFlags): StageOptions {
  const hasRules = (flags.freeze ?? flags.train ?? flags["part-rate"]) !== undefined;
  return present({
    mix: flags.mix,
    heldout: flags.heldout,
    evaluateEvery: flags["evaluate-every"],
    patience: flags.patience,
    epochs: flags.epochs?.length === 1 ? flags.epochs[0] : undefined,
    maxSteps: flags["max-steps"],
    maxMinutes: flags["max-minutes"],
    maxLength: flags["max-length"],
    batchSize: flags["batch-size"],
    microBatch: flags["micro-batch"],
    shapes: flags.shapes,
    learningRate: flags["learning-rate"],
    warmupRatio: flags["warmup-ratio"],
    schedule: flags.schedule,
    optimizer: flags.optimizer,
    rules: hasRules ? rulesOf(flags) : undefined,
    lora: loraOf(flags),
    checkpointing: flags["gradient-checkpointing"],
    weightDecay: flags["weight-decay"],
    beta1: flags.beta1,
    beta2: flags.beta2,
    epsilon: flags.epsilon,
    maxGradientNorm: flags["max-gradient-norm"],
    mappingWeight: flags["mapping-weight"],
    latentCounts: flags.latents?.split(",").map(Number),
    window: flags.window,
    semantics: flags.semantics,
  });
}

/** Flags whose option has another name. */
const flagOf: Readonly<Record<string, string>> = {
  latentCounts: "latents",
  pictureCacheBytes: "picture-cache",
  checkpointing: "gradient-checkpointing",
};

/** Throws UsageError, naming the flag, for what the service would refuse naming its option. */
export function requireFlags(options: TrainOptions): void {
  try {
    settleOptions(options);
  } catch (error) {
    if (!FusionError.isInstance(error)) throw error;
    const { expected, actual } = error.details;
    const [option, place] = error.at.split(" of ", 2);
    const flag = flagOf[option!] ?? option!.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new UsageError(`--${flag}${place ? ` of ${place}` : ""}: expected ${expected}, got ${actual}`, {
      cause: error,
    });
  }
}

/** Data files with the flags that are given once per file; under `--stage all` each file is that of a stage: `STAGE=FILE`. */
function dataOf(
  { data, epochs = [], share = [] }: Pick<TrainingFlags, "data" | "epochs" | "share">,
  byStage: boolean,
): { common?: TrainingData[]; stages: Partial<Record<StageName, TrainingData[]>> } {
  const files = data ?? [];
  if (epochs.length > 1 && epochs.length !== files.length) {
    throw new UsageError(`--epochs: expected one, or one for each of ${files.length} data files, got ${epochs.length}`);
  }
  if (share.length > 0 && share.length !== files.length) {
    throw new UsageError(`--share: expected one for each of ${files.length} data files, got ${share.length}`);
  }
  const withLimits = (file: string, index: number) => ({
    file,
    ...(epochs.length > 1 && { epochs: epochs[index] }),
    ...(share.length > 0 && { share: share[index] }),
  });
  if (!byStage) return { ...(data && { common: files.map(withLimits) }), stages: {} };
  const stages: Partial<Record<StageName, TrainingData[]>> = {};
  for (const [index, text] of files.entries()) {
    const [, name, file] = /^(1|1\.5|2)=(.+)$/.exec(text) ?? [];
    if (name === undefined) {
      throw new UsageError(`--data: expected STAGE=FILE beside --stage all, such as 1=captions.json, got ${text}`);
    }
    const stage = name as StageName;
    stages[stage] = [...(stages[stage] ?? []), withLimits(file!, index)];
  }
  return { stages };
}
