import { readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  chatTemplate,
  type FusionConfig,
  FusionError,
  type FusionTokenizer,
  fusionParameters,
  initModel,
  loadTokenizer,
  openModelFolder,
  presetNames,
  requireControlTokens,
  sizeOf,
  temporaryFolder,
  toFloat32,
  type WeightStore,
} from "@fusion-vlm/core";
import { writing } from "@fusion-vlm/plugin-kit";
import type { SettledOptions } from "./train-options.ts";

/** The model that a training begins with. */
export interface StartModel {
  readonly folder: string;
  /** What the user called it. */
  readonly name: string;
  /** With the training's own λ and set of Q. */
  readonly config: FusionConfig;
  /** Contents of config.json, all keys. */
  readonly configJson: Readonly<Record<string, unknown>>;
  readonly tokenizer: FusionTokenizer;
  readonly weights: WeightStore;
  readonly parameters: number;
  /** Its weights are random numbers. */
  readonly untrained: boolean;
  /** A parameter as float32. */
  read(name: string): Promise<Float32Array>;
  /** Closes the files; removes the folder of a preset. */
  close(): Promise<void>;
}

type StartOptions = Pick<SettledOptions, "model" | "seed" | "mappingWeight" | "latentCounts" | "signal">;

/**
 * Opens a model folder, or makes one of a preset at random in a temporary place.
 *
 * @throws as `openModelFolder` and `loadTokenizer`; WEIGHTS_INVALID for quantised weights
 */
export async function openStart({
  model,
  seed,
  mappingWeight,
  latentCounts,
  signal,
}: StartOptions): Promise<StartModel> {
  const isThere = await stat(model).then(
    () => true,
    () => false,
  );
  if (isThere || !presetNames.includes(model)) return openFolder(model, model, async () => {});
  const { path: folder, remove } = await writing(tmpdir(), temporaryFolder);
  try {
    await initModel({ preset: model, folder, seed, signal });
    return await openFolder(folder, `preset ${model}`, remove);
  } catch (error) {
    await remove();
    throw error;
  }

  async function openFolder(folder: string, name: string, remove: () => Promise<void>): Promise<StartModel> {
    const { config, weights, untrained } = await openModelFolder(folder);
    try {
      const shapes = fusionParameters(config);
      requireFloats(weights, shapes.keys(), folder);
      const tokenizer = await loadTokenizer(folder);
      requireControlTokens(tokenizer, chatTemplate(config.template));
      requireRows(folder, tokenizer, config);
      return {
        folder,
        name,
        config: {
          ...config,
          ...(mappingWeight !== undefined && { mappingWeight }),
          ...(latentCounts !== undefined && { latentCounts: [...new Set(latentCounts)].toSorted((a, b) => a - b) }),
        },
        configJson: JSON.parse(await readFile(join(folder, "config.json"), "utf8")),
        tokenizer,
        weights,
        parameters: [...shapes.values()].reduce((sum, shape) => sum + sizeOf(shape), 0),
        untrained,
        read: async (parameter) => toFloat32(await weights.read(parameter)),
        close: async () => {
          await weights.close();
          await remove();
        },
      };
    } catch (error) {
      await weights.close();
      throw error;
    }
  }
}

function requireFloats({ entries }: WeightStore, names: Iterable<string>, folder: string): void {
  for (const name of names) {
    const { dtype } = entries.get(name)!;
    if (["float32", "float16", "bfloat16", "float64"].includes(dtype)) continue;
    throw new FusionError({
      code: "WEIGHTS_INVALID",
      at: `${folder}: ${name}`,
      expected: "floating-point weights",
      actual: dtype,
      hint: "Train the model that this one was quantised from.",
    });
  }
}

function requireRows(folder: string, tokenizer: FusionTokenizer, { language }: FusionConfig): void {
  if (tokenizer.vocabSize <= language.vocabularySize) return;
  throw new FusionError({
    code: "TOKENIZER_INVALID",
    at: join(folder, "tokenizer.json"),
    expected: `at most ${language.vocabularySize} tokens, the rows of the embedding table`,
    actual: `${tokenizer.vocabSize}`,
    hint: "Copy tokenizer and weights from the same checkpoint.",
  });
}
