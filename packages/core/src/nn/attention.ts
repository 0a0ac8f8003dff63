import { multiplyDims, type Value } from "../graph/index.ts";
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
 * @param key - [..., N, H]
 * @param value - [..., N, H]
 * @param seen - bool, broadcasts to [..., M, N]; every key is seen when absent
 * @returns [..., M, H]
 */
export function attend(op: OpBuilder, query: Value, key: Value, value: Value, scale: number, seen?: Value): Value {
  const scores = attentionScores(op, op.Mul(query, scale), key); // [..., M, N]
  return weighValues(op, op.Softmax(seen ? op.Where(seen, scores, maskedScore) : scores), value);
}

/**
 * q·kᵀ: [..., M, H] and [..., N, H] → [..., M, N]
 *
 * Leading axes are one axis meanwhile. The engine would else join the transposition with the one that split the heads, and
 * move every element instead of transposing inside the product: a tenth of a training step.
 */
export function attentionScores(op: OpBuilder, query: Value, key: Value): Value {
  const leading = query.shape.slice(0, -2);
  const product = op.MatMul(matrices(op, query), op.Transpose(matrices(op, key), [0, 2, 1]));
  return op.Reshape(product, [...leading, query.shape.at(-2)!, key.shape.at(-2)!]);
}

/** Sums of values by their weights: [..., M, N] and [..., N, H] → [..., M, H], leading axes as in {@link attentionScores}. */
export function weighValues(op: OpBuilder, weights: Value, value: Value): Value {
  const product = op.MatMul(matrices(op, weights), matrices(op, value));
  return op.Reshape(product, [...weights.shape.slice(0, -1), value.shape.at(-1)!]);
}

/** [..., M, N] → [all leading axes, M, N] */
function matrices(op: OpBuilder, x: Value): Value {
  return op.Reshape(x, [multiplyDims(...x.shape.slice(0, -2)), ...x.shape.slice(-2)]);
}

/** [B, S, A*H] → [B, A, S, H] */
export function splitHeads(op: OpBuilder, x: Value, heads: number): Value {
  const [batch, length, width] = x.shape;
  const split = op.Reshape(x, [batch!, length!, heads, (width as number) / heads]);
  return op.Transpose(split, [0, 2, 1, 3]);
}

/** [B, A, S, H] → [B, S, A*H] */
export function mergeHeads(op: OpBuilder, x: Value): Value {
  const [batch, heads, length, size] = x.shape;
  return op.Reshape(op.Transpose(x, [0, 2, 1, 3]), [batch!, length!, (heads as number) * (size as number)]);
}
