import { sizeOf, type Tensor, toFloat32 } from "../tensor/index.ts";
import { referenceError } from "./reference-error.ts";

/** One line of the verification table. */
export interface Comparison {
  /** `variant/tensor`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** How many elements were compared: all but those of padding rows. */
  readonly elements: number;
  /** Largest absolute difference over the compared elements. */
  readonly maxError: number;
  /** Largest absolute value of the reference over the compared elements. */
  readonly maxReference: number;
  /** maxError / maxReference, 0 when nothing differs; maxError itself where the reference is 0 (see `isAbsolute`). */
  readonly relativeError: number;
  /** Largest accepted relativeError; 0 for positions, tokens and masks. */
  readonly tolerance: number;
  readonly passed: boolean;
  /** True where the result should be 0, so that relativeError and tolerance are absolute. */
  readonly isAbsolute?: true;
}

/** A tensor as plain numbers. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

export function numbers(tensor: Tensor): Numbers {
  const { dtype, data, shape } = tensor;
  if (dtype === "int64") return { shape, data: Float64Array.from(data as BigInt64Array, Number) };
  const isHalf = dtype === "float16" || dtype === "bfloat16";
  return { shape, data: isHalf ? toFloat32(tensor) : (data as Float32Array) };
}

/**
 * Compares against a reference, relative to the reference's largest absolute value.
 *
 * @param keep - which elements count; all when absent
 * @throws REFERENCE_INVALID when the shapes differ, or when no element counts
 */
export function compare(
  name: string,
  reference: Numbers,
  actual: Numbers,
  tolerance: number,
  keep: (index: number) => boolean = () => true,
): Comparison {
  const { shape, data } = reference;
  if (shape.join() !== actual.shape.join()) {
    throw referenceError(name, `shape [${actual.shape.join(", ")}]`, `[${shape.join(", ")}]`);
  }
  let elements = 0;
  let maxError = 0;
  let maxReference = 0;
  for (let i = 0; i < data.length; i++) {
    if (!keep(i)) continue;
    elements++;
    maxError = Math.max(maxError, Math.abs(data[i]! - actual.data[i]!)); // NaN stays NaN, and fails
    maxReference = Math.max(maxReference, Math.abs(data[i]!));
  }
  if (elements === 0 && data.length > 0) throw referenceError(name, "rows that count", "padding rows only");
  const relativeError = maxError === 0 ? 0 : maxError / maxReference;
  const passed = relativeError <= tolerance;
  return { name, shape, elements, maxError, maxReference, relativeError, tolerance, passed };
}

/** Compares whole numbers (positions, tokens, masks), of which none may differ. */
export function compareExactly(name: string, reference: ArrayLike<number>, actual: ArrayLike<number>): Comparison {
  return compare(name, { shape: [reference.length], data: reference }, { shape: [actual.length], data: actual }, 0);
}

/** Compares with zeros: what was recorded there is rounding, so the error is absolute. */
export function compareZero(name: string, { shape, data }: Numbers, tolerance: number): Comparison {
  const zero = { shape, data: new Float64Array(data.length) };
  const { elements, maxError } = compare(name, zero, { shape, data }, tolerance);
  const passed = maxError <= tolerance;
  return {
    name,
    shape,
    elements,
    maxError,
    maxReference: 0,
    relativeError: maxError,
    tolerance,
    passed,
    isAbsolute: true,
  };
}

/**
 * Rows of the second axis: [B, N, ...] with chosen n → [B, rows, ...].
 *
 * @param at - the recorded tensor that these rows are compared with, for messages
 * @throws REFERENCE_INVALID for a row that the value does not have
 */
export function takeRows(value: Numbers, rows: readonly number[], at: string): Numbers {
  const [batch, count, ...rest] = value.shape as [number, number, ...number[]];
  const outside = rows.find((row) => row < 0 || row >= count);
  if (outside !== undefined) throw referenceError(at, `rows of 0 to ${count - 1}`, `row ${outside}`);
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
