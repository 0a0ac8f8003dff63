import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Quantization } from "../fusion/index.ts";
import { quantizedWeights } from "../quantize/index-node.ts";
import { dtypeFacts, sizeOf } from "../tensor/index.ts";
import { writeWeights } from "../weights/index-node.ts";
import { openModelFolder, requireFloatWeights } from "./model-folder-node.ts";
import { findModelFolder } from "./model-source-node.ts";
import { prepareFolder, requireSpace, writeJson } from "./new-folder-node.ts";

export interface QuantizeModelOptions {
  /** A folder in Hugging Face layout with floating-point weights, or `nano`. */
  readonly model: string;
  /** Folder to write; it must be empty or not exist. */
  readonly folder: string;
  /** Formats of the ways of running; {@link quantizationPresets}. */
  readonly quantization: Quantization;
  /** Called as the original is read, with its bytes so far and in all. */
  readonly onProgress?: (bytes: number, totalBytes: number) => void;
  /** Aborting removes what was written. */
  readonly signal?: AbortSignal;
}

export interface QuantizeModelResult {
  readonly folder: string;
  readonly quantization: Quantization;
  /** Bytes of the weights, before and after. */
  readonly originalBytes: number;
  readonly bytes: number;
  readonly files: readonly string[];
}

/** Files that go along as they are, where they are there. */
const copiedFiles = [
  ...["vision_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model"],
  ...["special_tokens_map.json", "added_tokens.json", "generation_config.json"],
];

/**
 * Writes a quantised model folder, straight from the files of the original: one matrix is in memory at a time.
 *
 * The original's tensors come in the order of its files. A failure leaves nothing behind.
 *
 * @throws as `openModelFolder`; WEIGHTS_INVALID for a model that is quantised already; WRITE_FAILED when the folder is not empty,
 *   cannot be written, or lacks space; ABORTED by the signal
 */
export async function quantizeModel(options: QuantizeModelOptions): Promise<QuantizeModelResult> {
  const { folder, quantization, onProgress, signal } = options;
  const source = await findModelFolder(options.model);
  const { config, weights } = await openModelFolder(source);
  try {
    requireFloatWeights({ folder: source, config }, "Quantise the model that this one was made from.");
    let read = 0;
    const quantized = quantizedWeights(weights, config, quantization, {
      signal,
      onRead: (bytes) => {
        read += bytes;
        onProgress?.(read, weights.totalBytes);
      },
    });
    const bytes = quantized.layout.reduce((sum, { dtype, shape }) => sum + sizeOf(shape) * dtypeFacts[dtype].bytes, 0);
    const undo = await prepareFolder(folder);
    try {
      await requireSpace(folder, bytes, "Free some space, write to another disk, or choose fewer bits.");
      const json = JSON.parse(await readFile(join(source, "config.json"), "utf8"));
      await writeJson(join(folder, "config.json"), {
        ...json,
        quantization_config: { quant_method: "fusion", ...quantization },
      });
      const copied = await copyFiles(source, folder);
      const files = await writeWeights(folder, quantized);
      return {
        folder,
        quantization,
        originalBytes: weights.totalBytes,
        bytes,
        files: ["config.json", ...copied, ...files],
      };
    } catch (error) {
      await undo();
      throw error;
    }
  } finally {
    await weights.close();
  }
}

async function copyFiles(from: string, to: string): Promise<string[]> {
  const copied: string[] = [];
  for (const file of copiedFiles) {
    const isThere = await copyFile(join(from, file), join(to, file)).then(
      () => true,
      (cause: NodeJS.ErrnoException) => {
        if (cause.code === "ENOENT") return false;
        throw cause;
      },
    );
    if (isThere) copied.push(file);
  }
  return copied;
}
