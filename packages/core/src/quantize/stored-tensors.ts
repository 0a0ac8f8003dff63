import type { WeightFormat } from "../fusion/index.ts";

/** A tensor that a quantised folder holds in place of a matrix. */
export interface StoredTensor {
  readonly name: string;
  readonly dtype: "int8" | "uint8" | "float32";
  readonly shape: readonly number[];
}

/** The two tensors that stand for `X.weight` [N, K]: `X.weight_q8` and `X.scale_q8`, or `X.weight_q4` and `X.scale_q4`. */
export function storedTensors(
  parameter: string,
  [rows, columns]: readonly [number, number],
  format: WeightFormat,
): { readonly weight: StoredTensor; readonly scale: StoredTensor } {
  const stem = parameter.replace(/\.?weight$/, "");
  const name = (what: string) => `${stem}.${what}_q${format.bits}`;
  if (format.bits === 8) {
    return {
      weight: { name: name("weight"), dtype: "int8", shape: [columns, rows] },
      scale: { name: name("scale"), dtype: "float32", shape: [rows] },
    };
  }
  const blocks = Math.ceil(columns / format.block);
  return {
    weight: { name: name("weight"), dtype: "uint8", shape: [rows, blocks, format.block / 2] },
    scale: { name: name("scale"), dtype: "float32", shape: [rows, blocks] },
  };
}
