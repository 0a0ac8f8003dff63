import { nodeBackend } from "../backends/index-node.ts";
import { throwIfAborted } from "../errors/index.ts";
import { defaultLatents, type Quantization } from "../fusion/index.ts";
import { cutTiles, imageTensors } from "../image/index.ts";
import { prepareImage } from "../image/index-node.ts";
import { loadTokenizer } from "../text/index-node.ts";
import { Cleanup } from "./cleanup.ts";
import { measureQuantization, type QuantizationError } from "./measure-quantization.ts";
import { openModelFolder } from "./model-folder-node.ts";
import { findModelFolder } from "./model-source-node.ts";
import type { ImageSource } from "./options.ts";
import { pictureSource } from "./picture-source-node.ts";
import { samplePicture } from "./sample-picture.ts";

export interface QuantizationReportOptions {
  /** The model with floating-point weights: its folder, or `nano`. */
  readonly original: string;
  /** Folder that was made of it. */
  readonly quantized: string;
  /** What both models are asked; a drawing of a house and a description of it when absent. */
  readonly sample?: { readonly image: ImageSource; readonly question: string; readonly answer: string };
  readonly threads?: number;
  /** Called as layers are done. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

const sampleTexts = {
  question: "Describe this picture.",
  answer: "The picture shows a house with a red roof and a red ball on a meadow. The sun is in the sky above them.",
};

/**
 * Measures what quantising has changed: the error behind every layer, and of the next tokens of an answer.
 *
 * One layer of one model is in memory at a time. Gives one result for the formats of the prefill and, where the decode has
 * others, a second.
 *
 * @throws as `openModelFolder` and for a picture; WEIGHTS_MISMATCH when the two are not the same model; ABORTED by the signal
 */
export async function quantizationReport(options: QuantizationReportOptions): Promise<QuantizationError[]> {
  const { signal, onProgress } = options;
  const undo = new Cleanup();
  try {
    const originalFolder = await findModelFolder(options.original);
    const [original, quantized] = [
      undo.later(await openModelFolder(originalFolder), ({ weights }) => weights.close()),
      undo.later(await openModelFolder(options.quantized), ({ weights }) => weights.close()),
    ];
    const tokenizer = await loadTokenizer(originalFolder);
    const sample = await readSample(options, original.config.vision);
    const backend = undo.later(await nodeBackend({ device: "cpu", threads: options.threads }), (engine) =>
      engine.dispose(),
    );
    const results: QuantizationError[] = [];
    const decoders = decodersOf(quantized.config.quantization);
    for (const [index, decoder] of decoders.entries()) {
      results.push(
        await measureQuantization({
          ...{ backend, original, quantized, tokenizer, sample, decoder },
          latents: defaultLatents(original.config),
          onProgress: (done, total) => onProgress?.(index * total + done, decoders.length * total),
          check: () => throwIfAborted(signal, "measuring"),
        }),
      );
    }
    return results;
  } finally {
    await undo.run();
  }
}

function decodersOf({ prefill, decode }: Quantization = {}): QuantizationError["decoder"][] {
  const isSame = JSON.stringify(prefill) === JSON.stringify(decode);
  return isSame ? ["decode"] : ["prefill", "decode"];
}

async function readSample(
  { sample }: QuantizationReportOptions,
  { imageSize, mean, std }: { imageSize: number; mean: readonly number[]; std: readonly number[] },
) {
  if (!sample) {
    const picture = imageTensors(cutTiles(samplePicture(), imageSize), { mean, std });
    return { picture, ...sampleTexts };
  }
  const { image, question, answer } = sample;
  const picture = await prepareImage(pictureSource(image), { cropSize: imageSize, mean, std });
  return { picture, question, answer };
}
