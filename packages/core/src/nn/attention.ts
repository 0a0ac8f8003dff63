import type { Value } from "../graph/index.ts";
import type { OpBuilder } from "../ops/index.ts";

/** The most negative float32: added to a score it takes the key out of the softmax, as the reference does. */
export const maskedScore = -3.4028234663852886e38;

/**
 * softmax(q·k·scale + bias)·v for any leading axes.
 *
 * @param query - [..., M, H]
 * @param key - [..., H, N], already transposed
 * @param value - [..., N, H]
 * @param bias - broadcasts to [..., M, N]; 0 where a key is seen, {@link maskedScore} where not
 * @returns [..., M, H]
 */
export function attend(op: OpBuilder, query: Value, key: Value, value: Value, scale: number, bias?: Value): Value {
  const scores = op.MatMul(op.Mul(query, scale), key); // [..., M, N]
  return op.MatMul(op.Softmax(bias ? op.Add(scores, bias) : scores), value);
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
