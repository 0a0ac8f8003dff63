import type { Value } from "../graph/index.ts";
import type { OpBuilder } from "../ops/index.ts";

/**
 * Σ weight·x / Σ weight over everything; 0 when all weights are 0. Weights have the shape of x.
 *
 * @param whole - a scalar in place of Σ weight: the sum over a batch of which this is a part
 */
export function weightedMean(op: OpBuilder, x: Value, weight: Value, whole?: Value): Value {
  const axes = x.shape.map((_, axis) => axis);
  const total = whole ?? op.ReduceSum(weight, axes, false);
  return op.Div(op.ReduceSum(op.Mul(x, weight), axes, false), op.Where(op.Greater(total, 0), total, 1));
}

/**
 * 1 − cos(a, b) over the last axis, with PyTorch's floor of 1e-8 on each norm: 1 where either is zero. [..., D] → [...]
 *
 * The floor lies under the root, so that the gradient of a zero vector is 0 and not 0·∞.
 */
export function cosineDistance(op: OpBuilder, a: Value, b: Value): Value {
  const norm = (x: Value) => op.Sqrt(op.Max(op.ReduceSum(op.Mul(x, x), [-1], false), 1e-16));
  const dot = op.ReduceSum(op.Mul(a, b), [-1], false);
  return op.Sub(1, op.Div(dot, op.Mul(norm(a), norm(b))));
}

/**
 * −log softmax(logits)[target], row by row.
 *
 * @param logits - [M, V]
 * @param targets - int64 [M]
 * @returns [M]
 */
export function crossEntropy(op: OpBuilder, logits: Value, targets: Value): Value {
  const rows = targets.shape[0]!;
  const picked = op.GatherElements(op.LogSoftmax(logits), op.Reshape(targets, [rows, 1]), 1);
  return op.Neg(op.Reshape(picked, [rows]));
}
