import type { Value } from "../graph/index.ts";
import type { OpBuilder } from "../ops/index.ts";
import { type ParameterGroup, stateNames } from "./parameter-groups.ts";

/**
 * Declares the gradient of each group, the output `gradient_norm`, its L2 norm over all of them, and clips them to a limit.
 *
 *   g ← g · min(1, limit / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_
 *
 * @param limit - 0 never clips
 * @returns the clipped gradients, in the order of the groups
 */
export function clippedGradients(op: OpBuilder, groups: readonly ParameterGroup[], limit: number): Value[] {
  const gradients = groups.map((group) => op.input(stateNames.gradient(group), "float32", [group.size]));
  const squares = gradients.map((gradient) => op.ReduceSum(op.Mul(gradient, gradient), [0], false));
  const norm = op.Sqrt(squares.reduce((sum, square) => op.Add(sum, square)));
  op.output("gradient_norm", norm);
  if (limit === 0) return gradients;
  const factor = op.Min(op.Div(limit, op.Add(norm, 1e-6)), 1);
  return gradients.map((gradient) => op.Mul(gradient, factor));
}

/** The learning rate of a group, a scalar. */
export function groupRate(op: OpBuilder, { learningRateScale }: ParameterGroup, learningRate: Value): Value {
  return learningRateScale === 1 ? learningRate : op.Mul(learningRate, learningRateScale);
}

/** θ·(1 − η·decay) */
export function decayed(op: OpBuilder, { weightDecay }: ParameterGroup, parameters: Value, rate: Value): Value {
  return weightDecay === 0 ? parameters : op.Mul(parameters, op.Sub(1, op.Mul(rate, weightDecay)));
}
