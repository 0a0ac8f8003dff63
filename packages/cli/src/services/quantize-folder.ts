import {
  type Quantization,
  type QuantizationError,
  type QuantizedPart,
  type QuantizeModelResult,
  quantizationNamed,
  type quantizationNames,
  quantizationReport,
  quantizeModel,
} from "@fusion-vlm/core";
import { OutputFolder } from "@fusion-vlm/plugin-kit";

/** What a part may be set to. */
export const choices = ["int8", "int4", "keep"] as const;
export type Choice = (typeof choices)[number];

/** A named quantisation with parts that were chosen otherwise. */
export function formatsOfChoices(
  name: (typeof quantizationNames)[number],
  block: 32 | 128,
  parts: Readonly<Partial<Record<QuantizedPart, Choice>>>,
): Quantization {
  const chosen: Record<string, Quantization[QuantizedPart]> = { ...quantizationNamed(name, block) };
  for (const [part, choice] of Object.entries(parts)) {
    if (choice === "keep") delete chosen[part];
    else chosen[part] = choice === "int8" ? { bits: 8 } : { bits: 4, block };
  }
  return chosen;
}

export interface QuantizeFolderOptions {
  readonly model: string;
  readonly out: string;
  readonly quantization: Quantization;
  readonly measure: boolean;
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onWritten?: (bytes: number, total: number) => void;
  readonly onMeasured?: (done: number, total: number) => void;
}

/** The document of `fusion model quantize`. */
export interface QuantizeResult extends QuantizeModelResult {
  /** Null when it was not measured. */
  readonly errors: readonly QuantizationError[] | null;
}

/** Writes the quantised folder, which appears when it is complete, and measures it against the original. */
export async function quantizeFolder(options: QuantizeFolderOptions): Promise<QuantizeResult> {
  const { model, out, quantization, signal } = options;
  const output = await OutputFolder.create(out);
  try {
    const made = await quantizeModel({
      model,
      folder: output.path,
      quantization,
      signal,
      onProgress: options.onWritten,
    });
    const errors = options.measure
      ? await quantizationReport({
          ...{ original: model, quantized: output.path, threads: options.threads, signal },
          onProgress: options.onMeasured,
        })
      : null;
    await output.publish({ durable: true });
    return { ...made, folder: out, errors };
  } catch (error) {
    await output.remove();
    throw error;
  }
}
