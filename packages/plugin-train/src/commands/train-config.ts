import { dirname, resolve } from "node:path";
import { presetNames } from "@fusion-vlm/core";
import { optimizerNames, schedules } from "@fusion-vlm/core/train";
import { type LoadedConfig, pluginConfig } from "@fusion-vlm/plugin-kit";
import { z } from "zod";
import { present } from "../options/present.ts";
import { recipeNames, type StageName, stageNames } from "../options/stage-names.ts";
import type { StageOptions, TrainOptions } from "../options/train-options.ts";
import { loraOf, rulesOf } from "./train-rules.ts";

const count = z.int().positive().optional();
const number = z.number().min(0).optional();
const file = z.string().min(1);

/** What a stage may set, named as in the SDK; parts as the flags name them. */
const stageShape = {
  data: z
    .array(z.union([file, z.strictObject({ file, epochs: count, share: z.number().positive().optional() })]))
    .optional(),
  mix: z.boolean().optional(),
  heldout: z.array(file).optional(),
  evaluateEvery: count,
  patience: count,
  epochs: count,
  maxSteps: count,
  maxMinutes: z.number().positive().optional(),
  maxLength: count,
  batchSize: count,
  microBatch: count,
  shapes: count,
  learningRate: z.number().positive().optional(),
  warmupRatio: number,
  schedule: z.enum(Object.keys(schedules) as [keyof typeof schedules]).optional(),
  optimizer: z.enum(optimizerNames).optional(),
  checkpointing: z.boolean().optional(),
  weightDecay: number,
  beta1: number,
  beta2: number,
  epsilon: number,
  maxGradientNorm: number,
  mappingWeight: number,
  latentCounts: z.array(z.int().positive()).optional(),
  window: count,
  semantics: z.enum(["released", "paper"]).optional(),
  freeze: z.array(z.string().min(1)).optional(),
  partRates: z.record(z.string(), z.number().min(0)).optional(),
  lora: z
    .strictObject({
      rank: z.int().positive(),
      alpha: z.number().positive().optional(),
      targets: z.array(z.string()).optional(),
    })
    .optional(),
};

const configSchema = z.strictObject({
  ...stageShape,
  stage: z.enum([...stageNames, "all"]).optional(),
  preset: z.enum(presetNames as [string]).optional(),
  recipe: z.enum(recipeNames).optional(),
  stages: z.partialRecord(z.enum(stageNames), z.strictObject(stageShape)).optional(),
  images: z.string().min(1).optional(),
  seed: z.int().min(0).optional(),
  dtype: z.enum(["float32", "float16", "bfloat16"]).optional(),
  result: z.enum(["last", "best"]).optional(),
  maxSkipped: z.int().min(0).optional(),
  spikeFactor: z.number().min(0).optional(),
  onDivergence: z.enum(["stop", "skip"]).optional(),
  checkpointMinutes: z.number().positive().optional(),
  checkpointSteps: count,
  keepCheckpoints: count,
  keepTraining: z.boolean().optional(),
  pictureCache: number,
});

type StageConfig = z.infer<z.ZodObject<typeof stageShape>>;

/** What fusion.config says about training: the options that may differ by stage, and the others. */
export interface TrainConfig {
  readonly common: StageOptions;
  readonly stages: Readonly<Partial<Record<StageName, StageOptions>>>;
  readonly training: Partial<TrainOptions>;
}

/**
 * The section `plugins.train` of fusion.config; its paths are relative to that file.
 *
 * @throws CONFIG_INVALID naming the file and every wrong key
 */
export function trainConfig(loaded: LoadedConfig): TrainConfig {
  const section = pluginConfig(loaded, "train", configSchema);
  const folder = loaded.file === undefined ? "." : dirname(loaded.file);
  const { stages = {}, stage, preset, recipe, images, seed, dtype, result, maxSkipped, spikeFactor, ...rest } = section;
  const { onDivergence, checkpointMinutes, checkpointSteps, keepCheckpoints, keepTraining, pictureCache, ...own } =
    rest;
  return {
    common: stageOptions(own, folder),
    stages: Object.fromEntries(Object.entries(stages).map(([name, options]) => [name, stageOptions(options, folder)])),
    training: present({
      ...{ stage, preset, recipe, seed, dtype, result, maxSkipped, spikeFactor, onDivergence },
      ...{ checkpointMinutes, checkpointSteps, keepCheckpoints, keepTraining },
      images: images === undefined ? undefined : resolve(folder, images),
      pictureCacheBytes: pictureCache === undefined ? undefined : pictureCache * 1e6,
    }),
  };
}

function stageOptions(
  { freeze, partRates, lora, data, heldout, ...options }: StageConfig,
  folder: string,
): StageOptions {
  const rates = Object.entries(partRates ?? {}).map(([part, factor]) => `${part}=${factor}`);
  const rules = freeze || partRates ? rulesOf({ freeze, "part-rate": rates }) : undefined;
  const adapters = lora && loraOf({ "lora-rank": lora.rank, "lora-alpha": lora.alpha, "lora-target": lora.targets });
  const located = (path: string) => resolve(folder, path);
  return present({
    ...options,
    rules,
    lora: adapters,
    data: data?.map((item) => (typeof item === "string" ? located(item) : { ...item, file: located(item.file) })),
    heldout: heldout?.map(located),
  });
}
