import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import {
  chatTemplate,
  type FusionConfig,
  FusionError,
  type FusionTokenizer,
  findModelFolder,
  fusionParameters,
  initModel,
  loadTokenizer,
  openModelFolder,
  requireControlTokens,
  requireFloatWeights,
  sizeOf,
  toFloat32,
  type WeightStore,
} from "@fusion-vlm/core";
import { OutputFolder } from "@fusion-vlm/plugin-kit";
import type { SettledStage, TrainingStart } from "../options/settle-options.ts";
import { type StageName, stageBefore, stageNames } from "../options/stage-names.ts";

/** The model that a training begins with. */
export interface StartModel {
  readonly folder: string;
  /** What the user called it. */
  readonly name: string;
  readonly config: FusionConfig;
  /** As its folder says. */
  readonly stored: FusionConfig;
  /** Contents of config.json, all keys. */
  readonly configJson: Readonly<Record<string, unknown>>;
  readonly tokenizer: FusionTokenizer;
  readonly weights: WeightStore;
  readonly parameters: number;
  /** Its weights are random numbers. */
  readonly untrained: boolean;
  /** A parameter as float32. */
  read(name: string): Promise<Float32Array>;
  /** Closes the files. */
  close(): Promise<void>;
}

export interface StartOptions {
  readonly from: TrainingStart;
  readonly seed: number;
  /** Where a preset's first weights are written, and found again by a training that is resumed. */
  readonly presetFolder: string;
  readonly signal?: AbortSignal;
}

/**
 * Opens a model, or makes one of a preset at random.
 *
 * @throws as `findModelFolder`, `openModelFolder` and `loadTokenizer`; WEIGHTS_INVALID for quantised weights
 */
export async function openStart({ from, seed, presetFolder, signal }: StartOptions): Promise<StartModel> {
  if ("model" in from) return openFolder(await findModelFolder(from.model), from.model);
  if (!existsSync(presetFolder)) {
    const output = await OutputFolder.create(presetFolder);
    try {
      await initModel({ preset: from.preset, folder: output.path, seed, signal });
      await output.publish({ durable: true });
    } catch (error) {
      await output.remove();
      throw error;
    }
  }
  return openFolder(presetFolder, `preset ${from.preset}`);
}

async function openFolder(folder: string, name: string): Promise<StartModel> {
  const { config, weights, untrained } = await openModelFolder(folder);
  try {
    const shapes = fusionParameters(config);
    requireFloatWeights({ folder, config }, "Train the model that this one was quantised from.");
    const tokenizer = await loadTokenizer(folder);
    requireControlTokens(tokenizer, chatTemplate(config.template));
    requireRows(folder, tokenizer, config);
    return {
      ...{ folder, name, config, stored: config, tokenizer, weights, untrained },
      configJson: JSON.parse(await readFile(join(folder, "config.json"), "utf8")),
      parameters: [...shapes.values()].reduce((sum, shape) => sum + sizeOf(shape), 0),
      read: async (parameter) => toFloat32(await weights.read(parameter)),
      close: () => weights.close(),
    };
  } catch (error) {
    await weights.close();
    throw error;
  }
}

/** The start as a stage trains it: with its λ, set of Q, window, semantics and longest sample. */
export function forStage(start: StartModel, stage: SettledStage): StartModel {
  const { config } = start;
  const { mappingWeight, latentCounts, window, semantics, maxLength } = stage;
  return {
    ...start,
    config: {
      ...config,
      ...(mappingWeight !== undefined && { mappingWeight }),
      ...(latentCounts !== undefined && { latentCounts: [...new Set(latentCounts)].toSorted((a, b) => a - b) }),
      ...(window !== undefined && { interaction: { ...config.interaction, window } }),
      ...(semantics !== undefined && { semantics }),
      maxLength: Math.min(maxLength ?? Number.POSITIVE_INFINITY, start.stored.maxLength),
    },
  };
}

/**
 * Refuses stages out of order: a later one on random weights, and one that the model has behind it.
 *
 * @throws OPTION_INVALID
 */
export function requireOrder({ name, untrained, configJson }: StartModel, stage: StageName): void {
  const wrong = (expected: string, actual: string, hint: string) =>
    new FusionError({ code: "OPTION_INVALID", at: `stage ${stage}`, expected, actual, hint });
  const before = stageBefore(stage);
  if (untrained && before !== undefined) {
    const hint = `Train stage 1 first, or all of them by --stage all; without --stage anything can be trained.`;
    throw wrong(`a model that stage ${before} has trained`, `${name}, whose weights are random`, hint);
  }
  const done = stageNames.find((one) => one === configJson.fusion_stage);
  if (done === undefined || stageNames.indexOf(done) < stageNames.indexOf(stage)) return;
  const hint = "Choose a later stage, or leave out --stage to train it further.";
  throw wrong(`a model that stage ${stage} is still to train`, `${name}, which stage ${done} has trained`, hint);
}

/**
 * What tells this start from another one: hashes of its small files, sizes and headers of its weights.
 *
 * @param contents - hash the weights too, which takes a second for each gigabyte
 */
export async function fingerprintOf(
  { folder, weights }: StartModel,
  { contents: withContents }: { contents: boolean },
): Promise<Record<string, string>> {
  const prints: Record<string, string> = {};
  for (const file of ["config.json", "vision_config.json", "tokenizer.json"]) {
    const contents = await readFile(join(folder, file)).catch(() => undefined);
    if (contents) prints[file] = sha256(contents);
  }
  const layout = [...weights.entries].map(([name, { dtype, shape, offset }]) => [name, dtype, shape, offset]);
  prints.weights = `${weights.totalBytes} bytes, ${sha256(JSON.stringify(layout))}`;
  if (!withContents) return prints;
  for (const path of new Set([...weights.entries.values()].map((entry) => entry.path))) {
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
    prints[basename(path)] = hash.digest("hex");
  }
  return prints;
}

function sha256(contents: string | Uint8Array): string {
  return createHash("sha256").update(contents).digest("hex");
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
