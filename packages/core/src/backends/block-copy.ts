import { sizeOf, type Tensor } from "../tensor/index.ts";

/** Below this many elements a plain loop beats making two views for `set`. */
const shortRun = 24;

export interface BlockCopy {
  readonly axis: number;
  /** Where the block starts along `axis`, in the source and in the target. */
  readonly from: number;
  readonly to: number;
  /** Extent of the block along `axis`. */
  readonly length: number;
}

/**
 * Copies `source[.., from : from + length, ..]` to `target[.., to : to + length, ..]` along one axis, in place.
 *
 * Both have one dtype and rank, and equal dimensions outside `axis`; the caller has checked that.
 */
export function copyBlock(source: Tensor, target: Tensor, { axis, from, to, length }: BlockCopy): void {
  const outer = sizeOf(source.shape.slice(0, axis));
  const inner = sizeOf(source.shape.slice(axis + 1));
  const run = length * inner;
  const sourceStride = source.shape[axis]! * inner;
  const targetStride = target.shape[axis]! * inner;
  // Every dtype's array has the same indexed interface; one of them stands for all.
  const read = source.data as Float32Array;
  const write = target.data as Float32Array;
  for (let block = 0; block < outer; block++) {
    const start = block * sourceStride + from * inner;
    const goal = block * targetStride + to * inner;
    if (run < shortRun) for (let i = 0; i < run; i++) write[goal + i] = read[start + i]!;
    else write.set(read.subarray(start, start + run), goal);
  }
}
