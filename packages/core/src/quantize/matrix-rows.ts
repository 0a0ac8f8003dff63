/** Consecutive rows of a matrix as float32, row by row. */
export interface MatrixRows {
  /** Index of the first. */
  readonly first: number;
  readonly count: number;
  /** [count, K] */
  readonly data: Float32Array;
}
