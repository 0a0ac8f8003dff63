import { z } from "zod";

/** How a weight matrix is stored: 8 bits a weight and a scale per output channel, or 4 bits and a scale per block of a row. */
export type WeightFormat = { readonly bits: 8 } | { readonly bits: 4; readonly block: 32 | 128 };

/**
 * The format of the matrices of each way of running; absent parts keep the weights as they are.
 *
 * Prefill runs many rows through a matrix and decode one: the fastest format differs, and a folder may hold both.
 */
export interface Quantization {
  /** Vision tower and projectors. */
  readonly vision?: WeightFormat;
  /** Decoder and interaction layers over many rows. */
  readonly prefill?: WeightFormat;
  /** Decoder layers over one row. */
  readonly decode?: WeightFormat;
  /** The output table, which always sees one row a sample. */
  readonly output?: WeightFormat;
}

export type QuantizedPart = keyof Quantization;
export const quantizedParts = ["vision", "prefill", "decode", "output"] as const satisfies readonly QuantizedPart[];

export const quantizationNames = ["int8", "int4", "mixed"] as const;

/**
 * The named choices: everything in 8 bits, everything in 4, or `mixed`: 4 bits where a token costs the reading of all weights,
 * which is in the decoder while it decodes, and 8 where many rows share them.
 *
 * @param block - of the 4-bit formats; larger ones are faster to read and less exact
 */
export function quantizationNamed(name: (typeof quantizationNames)[number], block: 32 | 128 = 128): Quantization {
  const [int8, int4] = [{ bits: 8 }, { bits: 4, block }] as const;
  if (name === "int8") return { vision: int8, prefill: int8, decode: int8, output: int8 };
  if (name === "int4") return { vision: int4, prefill: int4, decode: int4, output: int4 };
  return { vision: int8, prefill: int8, decode: int4, output: int4 };
}

const format = z.union([
  z.strictObject({ bits: z.literal(8) }),
  z.strictObject({ bits: z.literal(4), block: z.union([z.literal(32), z.literal(128)]) }),
]);

/** `quantization_config` of config.json, as this project writes it. */
export const quantizationSchema = z
  .strictObject({
    quant_method: z.literal("fusion"),
    vision: format.optional(),
    prefill: format.optional(),
    decode: format.optional(),
    output: format.optional(),
  })
  .refine(
    (parts) =>
      new Set(
        [parts.vision, parts.prefill, parts.decode, parts.output].flatMap((one) => (one?.bits === 4 ? one.block : [])),
      ).size <= 1,
    "must have one block size",
  )
  .transform(({ quant_method: _, ...parts }): Quantization => parts);
