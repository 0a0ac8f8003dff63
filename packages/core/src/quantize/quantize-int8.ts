import type { MatrixRows } from "./matrix-rows.ts";

/** A matrix in 8 bits: y[n, k] ≈ data[k, n] · scale[n]. */
export interface Int8Matrix {
  /** [K, N], as the engine's kernel reads it: the transpose of the checkpoint's [N, K]. */
  readonly data: Int8Array;
  /** [N] */
  readonly scale: Float32Array;
}

/** Columns of the result that are filled together, so that each line of the processor's cache is written once. */
const tile = 64;

/** Rounds each output channel to 255 levels, symmetric around zero: scale = max |w| / 127. */
export class Int8Quantizer {
  readonly #data: Int8Array;
  readonly #scale: Float32Array;

  constructor(
    private readonly rows: number,
    private readonly columns: number,
  ) {
    this.#data = new Int8Array(rows * columns);
    this.#scale = new Float32Array(rows);
  }

  /** @param block - consecutive rows of the checkpoint's matrix */
  add({ first, count, data }: MatrixRows): void {
    const { rows, columns } = this;
    for (let row = 0; row < count; row++) this.#scale[first + row] = largest(data, row * columns, columns) / 127;
    for (let from = 0; from < count; from += tile) {
      const to = Math.min(from + tile, count);
      const inverse = Float32Array.from(this.#scale.subarray(first + from, first + to), (scale) =>
        scale ? 1 / scale : 0,
      );
      for (let column = 0; column < columns; column++) {
        const out = column * rows + first;
        for (let row = from; row < to; row++) {
          this.#data[out + row] = Math.round(data[row * columns + column]! * inverse[row - from]!);
        }
      }
    }
  }

  finish(): Int8Matrix {
    return { data: this.#data, scale: this.#scale };
  }
}

function largest(values: Float32Array, start: number, count: number): number {
  let found = 0;
  for (let i = start; i < start + count; i++) {
    const size = Math.abs(values[i]!);
    if (size > found) found = size;
  }
  return found;
}
