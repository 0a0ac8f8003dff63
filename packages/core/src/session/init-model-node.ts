import { join } from "node:path";
import { FusionError, shownValue, throwIfAborted } from "../errors/index.ts";
import { type FusionConfig, fusionParameters, modelPreset, parseConfig, unusedParameters } from "../fusion/index.ts";
import { sizeOf } from "../tensor/index.ts";
import { embeddedCorpus, trainFamilyTokenizer } from "../text/index.ts";
import {
  type FloatDtype,
  randomChunks,
  type TensorData,
  type WeightSource,
  writeWeights,
} from "../weights/index-node.ts";
import { prepareFolder, requireSpace, writeJson } from "./new-folder-node.ts";

export interface InitModelOptions {
  readonly preset: string;
  /** Folder to write; it must be empty or not exist. */
  readonly folder: string;
  /** 0 when absent. */
  readonly seed?: number;
  /** Element type of the stored weights; float32 when absent. */
  readonly dtype?: FloatDtype;
  /** Called as weights are written, with their bytes so far and in all. */
  readonly onProgress?: (bytes: number, totalBytes: number) => void;
  /** Aborting removes what was written. */
  readonly signal?: AbortSignal;
}

export interface InitModelResult {
  readonly folder: string;
  readonly parameters: number;
  /** Bytes of the weights. */
  readonly bytes: number;
  readonly files: readonly string[];
}

/** Vocabulary entries worth training from the embedded corpus; more rows of a larger table stay spare. */
const largestTrainedVocabulary = 2048;

const bytesPerElement: Record<FloatDtype, number> = { float32: 4, float16: 2, bfloat16: 2 };

/**
 * Writes a model folder with random weights: configuration, a tokenizer trained from the embedded grammar, weights.
 *
 * Weights stream to disk, so the size of a model is bounded by the disk alone. The same preset and seed give the same bytes.
 * A failure leaves nothing behind.
 *
 * @throws OPTION_INVALID for an unknown preset, seed or dtype; WRITE_FAILED when the folder is not empty, cannot be written, or
 *   lacks space; ABORTED by the signal
 */
export async function initModel(options: InitModelOptions): Promise<InitModelResult> {
  const { preset: name, folder, seed = 0, dtype = "float32", onProgress, signal } = options;
  const preset = modelPreset(name);
  checkOptions(seed, dtype);
  const config = parseConfig(preset.config, preset.vision, `preset ${name}`);
  const shapes = new Map([...fusionParameters(config), ...unusedParameters(config)]);
  const parameters = [...shapes.values()].reduce((sum, shape) => sum + sizeOf(shape), 0);
  const bytes = parameters * bytesPerElement[dtype];
  throwIfAborted(signal, "init");

  const undo = await prepareFolder(folder);
  try {
    await requireSpace(folder, bytes, "Free some space, write to another disk, or choose a 16-bit dtype.");
    const texts: Record<string, unknown> = {
      "config.json": {
        architectures: [config.modelType === "fusion_phi" ? "FusionPhiForCausalLM" : "FusionLlamaForCausalLM"],
        ...preset.config,
        torch_dtype: dtype,
        fusion_initialised: { preset: name, seed, trained: false },
      },
      ...(preset.vision && { "vision_config.json": preset.vision }),
      ...tokenizerFiles(config),
      "generation_config.json": { do_sample: false },
    };
    for (const [file, contents] of Object.entries(texts)) await writeJson(join(folder, file), contents);

    const { initializer_range: std } = preset.config;
    let written = 0;
    const source: WeightSource = {
      layout: [...shapes].map(([key, shape]) => ({ name: key, dtype, shape })),
      data: (key): TensorData =>
        counted(randomChunks(key, shapes.get(key)!, { seed, std, dtype }), (size) => {
          throwIfAborted(signal, "init");
          written += size;
          onProgress?.(written, bytes);
        }),
      metadata: { format: "pt" },
    };
    const weights = await writeWeights(folder, source);
    return { folder, parameters, bytes, files: [...Object.keys(texts), ...weights] };
  } catch (error) {
    await undo();
    throw error;
  }
}

function checkOptions(seed: number, dtype: string): void {
  const hint = "Correct this option, or leave it out.";
  const fail = (at: string, expected: string, actual: unknown) =>
    new FusionError({ code: "OPTION_INVALID", at, expected, actual: shownValue(actual), hint });
  if (!Number.isSafeInteger(seed) || seed < 0) throw fail("seed", "a whole number of 0 or more", seed);
  if (!(dtype in bytesPerElement)) throw fail("dtype", Object.keys(bytesPerElement).join(", "), dtype);
}

function tokenizerFiles({ language, template }: FusionConfig): Record<string, unknown> {
  const vocabSize = Math.min(language.vocabularySize, largestTrainedVocabulary);
  const { tokenizerJson, tokenizerConfig } = trainFamilyTokenizer(embeddedCorpus(), { template, vocabSize });
  return { "tokenizer.json": tokenizerJson, "tokenizer_config.json": tokenizerConfig };
}

/** The pieces as they are; `each` hears the bytes of a piece before it is handed on. */
function* counted<T extends ArrayBufferView>(pieces: Iterable<T>, each: (bytes: number) => void): Generator<T> {
  for (const piece of pieces) {
    each(piece.byteLength);
    yield piece;
  }
}
