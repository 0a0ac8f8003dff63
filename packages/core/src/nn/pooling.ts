import type { Value } from "../graph/index.ts";
import type { OpBuilder } from "../ops/index.ts";

/**
 * PyTorch's AdaptiveMaxPool2d on channels-last maps: bin i of m over n cells is [⌊i·n/m⌋, ⌈(i+1)·n/m⌉), so bins overlap
 * where m does not divide n.
 *
 * Rows first, then columns: each bin gathers its cells (short bins repeat their last one) and takes the maximum. Where the
 * bins divide the cells, these lie side by side already.
 *
 * @param x - [B, n, n, D]
 * @returns [B, m, m, D]
 */
export function adaptiveMaxPool(op: OpBuilder, x: Value, bins: number): Value {
  return poolAxis(op, poolAxis(op, x, 1, bins), 2, bins);
}

function poolAxis(op: OpBuilder, x: Value, axis: number, bins: number): Value {
  const cells = x.shape[axis] as number;
  if (cells === bins) return x;
  const { width, indices } = poolingBins(cells, bins);
  const gathered = cells === bins * width ? x : op.Gather(x, op.ints(indices), axis);
  const shape = [...x.shape.slice(0, axis), bins, width, ...x.shape.slice(axis + 1)];
  return op.ReduceMax(op.Reshape(gathered, shape), [axis + 1], false);
}

/** The cells of each bin, every bin padded to the widest by repeating its last cell; [bins × width] row-major. */
export function poolingBins(cells: number, bins: number): { width: number; indices: number[] } {
  const starts = Array.from({ length: bins }, (_, i) => Math.floor((i * cells) / bins));
  const ends = Array.from({ length: bins }, (_, i) => Math.ceil(((i + 1) * cells) / bins));
  const width = starts.reduce((widest, start, i) => Math.max(widest, ends[i]! - start), 0);
  const indices = starts.flatMap((start, i) =>
    Array.from({ length: width }, (_, step) => Math.min(start + step, ends[i]! - 1)),
  );
  return { width, indices };
}
