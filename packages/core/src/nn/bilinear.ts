import type { Value } from "../graph/index.ts";
import type { OpBuilder } from "../ops/index.ts";

/**
 * Bilinear interpolation of a square token map to another side length (align_corners = false, no antialias).
 *
 * Interpolation is linear, so each axis is one MatMul with a constant matrix: it differentiates and runs everywhere.
 *
 * @param x - [B, from², D] tokens in row-major order
 * @returns [B, to², D]
 */
export function bilinearTokens(op: OpBuilder, x: Value, from: number, to: number): Value {
  if (from === to) return x;
  const [batch, , width] = x.shape;
  const matrix = op.floats([to, from], interpolationMatrix(from, to));
  const rows = op.MatMul(matrix, op.Reshape(x, [batch!, from, from * (width as number)])); // [B, to, from*D]
  const columns = op.MatMul(matrix, op.Reshape(rows, [batch!, to, from, width!])); // [B, to, to, D]
  return op.Reshape(columns, [batch!, to * to, width!]);
}

/** Row i holds the weights of output cell i; PyTorch's `area_pixel_compute_source_index`. */
export function interpolationMatrix(from: number, to: number): Float32Array {
  const matrix = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const source = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const left = Math.min(Math.floor(source), from - 1);
    const right = Math.min(left + 1, from - 1);
    const weight = source - left;
    matrix[i * from + left]! += 1 - weight;
    matrix[i * from + right]! += weight;
  }
  return matrix;
}
