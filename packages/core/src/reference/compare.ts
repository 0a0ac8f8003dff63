import { FusionError } from "../errors/index.ts";
import { sizeOf, type Tensor } from "../tensor/index.ts";

/** One line of the verification table. */
export interface Comparison {
  /** `variant/tensor`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Largest absolute difference over the compared elements. */
  readonly maxError: number;
  /** Largest absolute value of the reference over the compared elements. */
  readonly maxReference: number;
  /** maxError / maxReference; 0 when both are 0. */
  readonly relativeError: number;
  readonly tolerance: number;
  readonly passed: boolean;
}

/** A tensor as plain float64 numbers. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

export function numbers(tensor: Tensor): Numbers {
  const { dtype, data, shape } = tensor;
  return { shape, data: dtype === "int64" ? Float64Array.from(data as BigInt64Array, Number) : (data as Float32Array) };
}

/**
 * Compares against a reference, relative to the reference's largest absolute value.
 *
 * @param keep - which elements count; all when absent
 * @throws REFERENCE_INVALID when the element counts differ
 */
export function compare(
  name: string,
  reference: Numbers,
  actual: Numbers,
  tolerance: number,
  keep: (index: number) => boolean = () => true,
): Comparison {
  if (reference.data.length !== actual.data.length) {
    throw new FusionError({
      code: "REFERENCE_INVALID",
      at: name,
      expected: `shape [${actual.shape.join(", ")}]`,
      actual: `[${reference.shape.join(", ")}]`,
      hint: "Check that the reference folder belongs to this model; docs/reference-folder.md describes its tensors.",
    });
  }
  let maxError = 0;
  let maxReference = 0;
  for (let i = 0; i < reference.data.length; i++) {
    if (!keep(i)) continue;
    const difference = Math.abs(reference.data[i]! - actual.data[i]!);
    maxError = Number.isNaN(difference) ? Number.NaN : Math.max(maxError, difference);
    maxReference = Math.max(maxReference, Math.abs(reference.data[i]!));
  }
  const relativeError = maxError === 0 ? 0 : maxError / maxReference;
  const passed = relativeError <= tolerance;
  return { name, shape: reference.shape, maxError, maxReference, relativeError, tolerance, passed };
}

/** Rows of the second axis: [B, N, ...] with chosen n → [B, rows, ...]. */
export function takeRows(value: Numbers, rows: readonly number[]): Numbers {
  const [batch, count, ...rest] = value.shape as [number, number, ...number[]];
  const width = sizeOf(rest);
  const out = new Float64Array(batch * rows.length * width);
  for (let b = 0; b < batch; b++) {
    rows.forEach((row, r) => {
      const from = (b * count + row) * width;
      for (let d = 0; d < width; d++) out[(b * rows.length + r) * width + d] = value.data[from + d]!;
    });
  }
  return { shape: [batch, rows.length, ...rest], data: out };
}

/** The first sample alone: [B, ...] → [...]. */
export function firstSample(value: Numbers): Numbers {
  const shape = value.shape.slice(1);
  return { shape, data: Array.prototype.slice.call(value.data, 0, sizeOf(shape)) };
}
