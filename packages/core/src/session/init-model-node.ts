import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FusionError } from "../errors/index.ts";
import { fusionParameters, modelPreset, parseConfig, unusedParameters } from "../fusion/index.ts";
import { embeddedCorpus, trainFamilyTokenizer } from "../text/index.ts";
import { type FloatDtype, randomChunks, type WeightSource, writeWeights } from "../weights/index-node.ts";

export interface InitModelOptions {
  readonly preset: string;
  /** Folder to write; it must be empty or not exist. */
  readonly folder: string;
  /** 0 when absent. */
  readonly seed?: number;
  /** Element type of the stored weights; float32 when absent. */
  readonly dtype?: FloatDtype;
  /** Called before each tensor with the values written so far and in all. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface InitModelResult {
  readonly folder: string;
  readonly parameters: number;
  readonly files: readonly string[];
}

/** Vocabulary entries worth training from the embedded corpus; more rows of a larger table stay spare. */
const largestTrainedVocabulary = 2048;

/**
 * Writes a model folder with random weights: configuration, a tokenizer trained from the embedded grammar, weights.
 *
 * Weights stream to disk, so the size of a model is bounded by the disk alone. The same preset and seed give the same bytes.
 *
 * @throws OPTION_INVALID for an unknown preset, WRITE_FAILED when the folder is not empty or cannot be written
 */
export async function initModel({ preset: name, folder, seed = 0, dtype = "float32", onProgress }: InitModelOptions): Promise<InitModelResult> {
  const preset = modelPreset(name);
  const config = parseConfig(preset.config, preset.vision, `preset ${name}`);
  const parameters = new Map([...fusionParameters(config), ...unusedParameters(config)]);
  const sizes = new Map([...parameters].map(([key, shape]) => [key, shape.reduce((size, dim) => size * dim, 1)]));
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);

  const created = await prepareFolder(folder);
  try {
    const vocabSize = Math.min(config.language.vocabularySize, largestTrainedVocabulary);
    const { tokenizerJson, tokenizerConfig } = trainFamilyTokenizer(embeddedCorpus(), { template: config.template, vocabSize });
    const torchDtype = dtype;
    const json = { architectures: [config.modelType === "fusion_phi" ? "FusionPhiForCausalLM" : "FusionLlamaForCausalLM"] };
    const files: Record<string, unknown> = {
      "config.json": { ...json, ...preset.config, torch_dtype: torchDtype, fusion_initialised: { preset: name, seed, trained: false } },
      ...(preset.vision && { "vision_config.json": preset.vision }),
      "tokenizer.json": tokenizerJson,
      "tokenizer_config.json": tokenizerConfig,
      "generation_config.json": { do_sample: false },
    };
    let done = 0;
    const source: WeightSource = {
      layout: [...parameters].map(([key, shape]) => ({ name: key, dtype, shape })),
      data: (key) => {
        onProgress?.(done, total);
        done += sizes.get(key)!;
        return randomChunks(key, parameters.get(key)!, { seed, dtype });
      },
      metadata: { format: "pt" },
    };
    for (const [file, contents] of Object.entries(files)) await writeJson(join(folder, file), contents);
    const written = await writeWeights(folder, source);
    onProgress?.(total, total);
    return { folder, parameters: total, files: [...Object.keys(files), ...written] };
  } catch (error) {
    if (created) await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function writeJson(path: string, contents: unknown): Promise<void> {
  try {
    await writeFile(path, `${JSON.stringify(contents, null, 2)}\n`);
  } catch (cause) {
    throw writeError(path, (cause as NodeJS.ErrnoException).code ?? String(cause), "Check the path, its rights and the free space.", cause);
  }
}

/** Makes the folder; true when it did not exist. */
async function prepareFolder(folder: string): Promise<boolean> {
  try {
    const created = await mkdir(folder, { recursive: true });
    const present = await readdir(folder);
    if (present.length === 0) return created !== undefined;
    throw writeError(folder, `a folder with ${present.slice(0, 4).join(", ")}`, "Give another folder, or remove this one.");
  } catch (cause) {
    if (FusionError.isInstance(cause)) throw cause;
    throw writeError(folder, (cause as NodeJS.ErrnoException).code ?? String(cause), "Check the path and its rights.", cause);
  }
}

function writeError(at: string, actual: string, hint: string, cause?: unknown): FusionError {
  return new FusionError({ code: "WRITE_FAILED", at, expected: "an empty folder or a new one", actual, hint, cause });
}
