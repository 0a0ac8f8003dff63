import { stat } from "node:fs/promises";
import { join } from "node:path";
import { FusionError } from "../errors/index.ts";
import { type FusionConfig, fusionParameters, isUnusedParameter, parseConfig } from "../fusion/index.ts";
import { quantizedParameters } from "../quantize/index.ts";
import { type CheckWeightsOptions, checkWeights, openWeights, type WeightStore } from "../weights/index-node.ts";
import { readJson } from "./read-json-node.ts";

/** A model folder that has been checked: its configuration fits its weights. */
export interface ModelFolder {
  readonly folder: string;
  readonly config: FusionConfig;
  readonly weights: WeightStore;
  /** The weights are the random numbers of `initModel`. */
  readonly untrained: boolean;
}

/**
 * Opens a folder in Hugging Face layout: reads configuration and weight headers, checks every name and shape.
 *
 * @throws MODEL_NOT_FOUND, CONFIG_INVALID, WEIGHTS_INVALID, WEIGHTS_MISMATCH (all missing, unexpected and wrong ones at once)
 */
export async function openModelFolder(folder: string): Promise<ModelFolder> {
  await requireFolder(folder);
  const config = await readModelConfig(folder);
  const weights = await openWeights(folder);
  try {
    checkWeights({
      ...storedParameters(config),
      actual: weights.entries,
      ignore: (name) => isUnusedParameter(name, config),
      at: folder,
    });
    return { folder, config, weights, untrained: await isUntrained(folder) };
  } catch (error) {
    await weights.close();
    throw error;
  }
}

/** Throws WEIGHTS_INVALID for a quantised model, with what to do instead. */
export function requireFloatWeights({ folder, config }: Pick<ModelFolder, "folder" | "config">, hint: string): void {
  if (!config.quantization) return;
  throw new FusionError({
    code: "WEIGHTS_INVALID",
    at: folder,
    expected: "floating-point weights",
    actual: "quantised ones",
    hint,
  });
}

/** What the files of a model hold: its parameters, or what stands in their place where they are quantised. */
function storedParameters(config: FusionConfig): Pick<CheckWeightsOptions, "expected" | "wholeNumbers"> {
  if (!config.quantization) return { expected: fusionParameters(config) };
  const values = [...quantizedParameters(config, config.quantization).values()];
  return {
    expected: new Map(values.map(({ name, shape }) => [name, shape as readonly number[]])),
    wholeNumbers: new Map(values.flatMap(({ name, dtype }) => (dtype === "float32" ? [] : [[name, dtype]]))),
  };
}

/** Reads config.json and vision_config.json alone. */
export async function readModelConfig(folder: string): Promise<FusionConfig> {
  await requireFolder(folder);
  const config = await readJson(join(folder, "config.json"));
  const vision = await readJson(join(folder, "vision_config.json"), { optional: true });
  return parseConfig(config, vision, folder);
}

/** `fusion_initialised` is what `initModel` writes; training takes it away. */
async function isUntrained(folder: string): Promise<boolean> {
  const json = (await readJson(join(folder, "config.json"))) as { fusion_initialised?: { trained?: boolean } | null };
  return json.fusion_initialised?.trained === false;
}

async function requireFolder(folder: string): Promise<void> {
  const stats = await stat(folder).catch(() => undefined);
  if (stats?.isDirectory()) {
    const isMissing = await stat(join(folder, "config.json")).then(
      () => false,
      ({ code }: NodeJS.ErrnoException) => code === "ENOENT",
    );
    if (!isMissing) return;
    throw new FusionError({
      code: "MODEL_NOT_FOUND",
      at: folder,
      message: `${folder} has no config.json: not a model folder`,
      hint: "Give a folder with config.json, tokenizer.json and model.safetensors.",
    });
  }
  throw new FusionError({
    code: "MODEL_NOT_FOUND",
    at: folder,
    expected: "a model folder",
    actual: stats ? "a file" : "nothing at this path",
    hint: "Give the path of a folder with config.json, or make one: fusion model init nano --out nano",
  });
}
