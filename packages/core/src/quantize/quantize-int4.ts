import type { MatrixRows } from "./matrix-rows.ts";

/** A matrix in 4 bits: w[n, k] ≈ (nibble − 8) · scale[n, k / block]. */
export interface Int4Matrix {
  /** [N, ⌈K/block⌉, block/2]: two columns a byte, the first in the low half. */
  readonly data: Uint8Array;
  /** [N, ⌈K/block⌉] */
  readonly scale: Float32Array;
}

/** The level of zero: levels are −8 … 7. */
const zero = 8;

/**
 * Rounds blocks of a row to 16 levels.
 *
 * The element of largest size is met exactly, by level −8: scale = w / −8. The last block of a row is filled with zeros.
 */
export class Int4Quantizer {
  readonly #data: Uint8Array;
  readonly #scale: Float32Array;
  readonly #blocks: number;

  constructor(
    rows: number,
    private readonly columns: number,
    private readonly block: number,
  ) {
    this.#blocks = Math.ceil(columns / block);
    this.#data = new Uint8Array((rows * this.#blocks * block) / 2).fill(zero | (zero << 4));
    this.#scale = new Float32Array(rows * this.#blocks);
  }

  /** @param rows - consecutive rows of the checkpoint's matrix */
  add({ first, count, data }: MatrixRows): void {
    const { columns, block } = this;
    for (let row = 0; row < count; row++) {
      for (let index = 0; index < this.#blocks; index++) {
        const place = (first + row) * this.#blocks + index;
        const start = row * columns + index * block;
        const size = Math.min(block, columns - index * block);
        const scale = extreme(data, start, size) / -zero;
        this.#scale[place] = scale;
        this.#pack(data, start, size, scale === 0 ? 0 : 1 / scale, (place * block) / 2);
      }
    }
  }

  finish(): Int4Matrix {
    return { data: this.#data, scale: this.#scale };
  }

  #pack(values: Float32Array, start: number, size: number, inverse: number, out: number): void {
    for (let i = 0; i < size; i += 2) {
      const low = level(values[start + i]! * inverse);
      const high = i + 1 < size ? level(values[start + i + 1]! * inverse) : zero;
      this.#data[out + i / 2] = low | (high << 4);
    }
  }
}

function level(value: number): number {
  return Math.min(15, Math.floor(value + zero + 0.5));
}

/** The value of largest size, with its sign. */
function extreme(values: Float32Array, start: number, count: number): number {
  let found = 0;
  for (let i = start; i < start + count; i++) {
    const value = values[i]!;
    if (Math.abs(value) > Math.abs(found)) found = value;
  }
  return found;
}
