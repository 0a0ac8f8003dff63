import type { Value } from "../graph/index.ts";
import type { OpBuilder } from "../ops/index.ts";

/** The most negative float32: as a score it takes a key out of the softmax, as in the reference. */
export const maskedScore = -3.4028234663852886e38;

/**
 * softmax(q·k·scale)·v for any leading axes, with the scores of unseen keys replaced by {@link maskedScore}.
 *
 * Replaced, not lowered by addition: a row that sees no key attends uniformly to all of them and sends no gradient to
 * queries and keys, as the reference's overwritten rows do.
 *
 * @param query - [..., M, H]
 * @param key - [..., H, N], already transposed
 * @param value - [..., N, H]
 * @param seen - bool, broadcasts to [..., M, N]; every key is seen when absent
 * @returns [..., M, H]
 */
export function attend(op: OpBuilder, query: Value, key: Value, value: Value, scale: number, seen?: Value): Value {
  const scores = op.MatMul(op.Mul(query, scale), key); // [..., M, N]
  return op.MatMul(op.Softmax(seen ? op.Where(seen, scores, maskedScore) : scores), value);
}

/** [B, S, A*H] → [B, A, S, H] */
export function splitHeads(op: OpBuilder, x: Value, heads: number): Value {
  const [batch, length, width] = x.shape;
  const split = op.Reshape(x, [batch!, length!, heads, (width as number) / heads]);
  return op.Transpose(split, [0, 2, 1, 3]);
}

/** [B, S, A*H] → [B, A, H, S]: keys, ready to stand on the right of a MatMul. */
export function splitHeadsTransposed(op: OpBuilder, x: Value, heads: number): Value {
  const [batch, length, width] = x.shape;
  const split = op.Reshape(x, [batch!, length!, heads, (width as number) / heads]);
  return op.Transpose(split, [0, 2, 3, 1]);
}

/** [B, A, S, H] → [B, S, A*H] */
export function mergeHeads(op: OpBuilder, x: Value): Value {
  const [batch, heads, length, size] = x.shape;
  return op.Reshape(op.Transpose(x, [0, 2, 1, 3]), [batch!, length!, (heads as number) * (size as number)]);
}
