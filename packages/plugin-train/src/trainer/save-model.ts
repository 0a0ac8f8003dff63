import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  encodeBfloat16,
  encodeFloat16,
  type FloatDtype,
  FusionError,
  sizeOf,
  type Tensor,
  toFloat32,
  type WeightSource,
  writeWeights,
} from "@fusion-vlm/core";
import { writing } from "@fusion-vlm/plugin-kit";
import type { StageName } from "../options/stage-names.ts";
import type { StartModel } from "./start-model.ts";

const encoders: Readonly<Record<FloatDtype, (values: Float32Array) => Float32Array | Uint16Array>> = {
  float32: (values) => values,
  float16: encodeFloat16,
  bfloat16: encodeBfloat16,
};

export const bytesPerElement: Readonly<Record<FloatDtype, number>> = { float32: 4, float16: 2, bfloat16: 2 };

/** Files of a model folder that training leaves as they are; those that are not there are not needed. */
const copiedFiles = [
  "vision_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "tokenizer.model",
  "special_tokens_map.json",
  "added_tokens.json",
  "generation_config.json",
];

export interface SaveOptions {
  readonly start: StartModel;
  readonly parameters: ReadonlyMap<string, Tensor<"float32">>;
  readonly dtype: FloatDtype;
  /** The stage that has trained it: `fusion_stage` in config.json; as at the start when absent. */
  readonly stage?: StageName;
}

/**
 * Writes a model folder in Hugging Face layout: the trained parameters, and everything else as it was at the start.
 *
 * @throws WRITE_FAILED when the disk refuses; WEIGHTS_INVALID for a parameter that the element type cannot hold
 */
export async function saveModel(folder: string, { start, parameters, dtype, stage }: SaveOptions): Promise<void> {
  await writeJson(join(folder, "generation_config.json"), { do_sample: false });
  for (const file of copiedFiles) await copyIfThere(join(start.folder, file), join(folder, file));
  await writeJson(join(folder, "config.json"), { ...configOf(start, dtype), ...(stage && { fusion_stage: stage }) });
  const names = [...start.weights.entries.keys()];
  const source: WeightSource = {
    layout: names.map((name) => ({ name, dtype, shape: start.weights.entries.get(name)!.shape })),
    data: async (name) => {
      // What FUSION does not read (the tower's post-layernorm) goes along for programs that expect it.
      const values = parameters.get(name)?.data ?? toFloat32(await start.weights.read(name));
      return encode(name, values, dtype);
    },
    metadata: { format: "pt" },
  };
  await writeWeights(folder, source);
}

/** Bytes that `saveModel` will write, the small files left out. */
export function savedBytes({ weights }: StartModel, dtype: FloatDtype): number {
  let elements = 0;
  for (const { shape } of weights.entries.values()) elements += sizeOf(shape);
  return elements * bytesPerElement[dtype];
}

function configOf({ configJson, config, stored }: StartModel, dtype: FloatDtype): Record<string, unknown> {
  const { fusion_initialised: _, ...kept } = configJson;
  return {
    ...kept,
    torch_dtype: dtype,
    query_len: config.latentCounts.join(","),
    fusion_mapping_weight: config.mappingWeight,
    // Only where a training has changed them: an official config.json keeps its keys.
    ...(config.interaction.window !== stored.interaction.window && { window_size: config.interaction.window }),
    ...(config.semantics !== stored.semantics && { fusion_semantics: config.semantics }),
  };
}

function encode(name: string, values: Float32Array, dtype: FloatDtype): Float32Array | Uint16Array {
  const largest = dtype === "float16" ? 65504 : Number.MAX_VALUE;
  const bad = values.find((value) => !(Math.abs(value) <= largest));
  if (bad === undefined) return encoders[dtype](values);
  throw new FusionError({
    code: "WEIGHTS_INVALID",
    at: name,
    expected: `values that ${dtype} can hold`,
    actual: String(bad),
    hint: Number.isFinite(bad) ? "Save as bfloat16 or float32." : "Train with a lower learning rate.",
  });
}

async function copyIfThere(from: string, to: string): Promise<void> {
  const unlessMissing = (cause: NodeJS.ErrnoException) => {
    if (cause.code !== "ENOENT") throw cause;
  };
  await writing(to, () => copyFile(from, to).catch(unlessMissing));
}

async function writeJson(path: string, contents: unknown): Promise<void> {
  await writing(path, () => writeFile(path, `${JSON.stringify(contents, null, 2)}\n`));
}
