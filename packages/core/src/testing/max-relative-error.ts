import { FusionError } from "../errors/index.ts";
import { type Tensor, toFloat32 } from "../tensor/index.ts";

/**
 * The largest difference of two tensors, as a share of the largest absolute value of `expected`.
 *
 * 0 for equal tensors; Infinity where one holds NaN and the other does not, or where only `expected` is all zeros.
 *
 * @throws SHAPE_MISMATCH for tensors of different shapes
 */
export function maxRelativeError(actual: Tensor, expected: Tensor): number {
  if (
    actual.shape.length !== expected.shape.length ||
    actual.shape.some((size, axis) => size !== expected.shape[axis])
  ) {
    throw new FusionError({
      code: "SHAPE_MISMATCH",
      at: "maxRelativeError",
      expected: `[${expected.shape.join(", ")}]`,
      actual: `[${actual.shape.join(", ")}]`,
      hint: "Compare tensors of one shape.",
    });
  }
  const [a, b] = [toFloat32(actual), toFloat32(expected)];
  let [error, scale] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    if (Object.is(a[i], b[i])) {
      if (Number.isFinite(b[i]!)) scale = Math.max(scale, Math.abs(b[i]!));
      continue;
    }
    const difference = Math.abs(a[i]! - b[i]!);
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    error = Math.max(error, difference);
    scale = Math.max(scale, Math.abs(b[i]!));
  }
  return error === 0 ? 0 : error / scale;
}
