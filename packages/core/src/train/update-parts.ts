import type { Graph, Value } from "../graph/index.ts";
import { buildGraph, type OpBuilder } from "../ops/index.ts";
import { type ParameterGroup, stateNames, trainedGroups } from "./parameter-groups.ts";

/**
 * The output `gradient_norm`: the L2 norm over all parameters that are trained. A program of its own, as what it says may
 * forbid the update.
 */
export function gradientNormGraph(all: readonly ParameterGroup[]): Graph {
  return buildGraph("fusion.gradient_norm", (op) => {
    const gradients = gradientInputs(op, trainedGroups(all));
    const squares = gradients.map((gradient) => op.ReduceSum(op.Mul(gradient, gradient), [0], false));
    op.output("gradient_norm", op.Sqrt(squares.reduce((sum, square) => op.Add(sum, square))));
  });
}

/**
 * Declares the gradient of each group and its norm, the input `gradient_norm`, and clips gradients to a limit.
 *
 *   g ← g · min(1, limit / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_
 *
 * @param limit - 0 never clips, and needs no norm
 * @returns the clipped gradients, in the order of the groups
 */
export function clippedGradients(op: OpBuilder, groups: readonly ParameterGroup[], limit: number): Value[] {
  const gradients = gradientInputs(op, groups);
  if (limit === 0) return gradients;
  const norm = op.input("gradient_norm", "float32", []);
  const factor = op.Min(op.Div(limit, op.Add(norm, 1e-6)), 1);
  return gradients.map((gradient) => op.Mul(gradient, factor));
}

function gradientInputs(op: OpBuilder, groups: readonly ParameterGroup[]): Value[] {
  return groups.map((group) => op.input(stateNames.gradient(group), "float32", [group.size]));
}

/** The learning rate of a group, a scalar. */
export function groupRate(op: OpBuilder, { learningRateScale }: ParameterGroup, learningRate: Value): Value {
  return learningRateScale === 1 ? learningRate : op.Mul(learningRate, learningRateScale);
}

/** θ·(1 − η·decay) */
export function decayed(op: OpBuilder, { weightDecay }: ParameterGroup, parameters: Value, rate: Value): Value {
  return weightDecay === 0 ? parameters : op.Mul(parameters, op.Sub(1, op.Mul(rate, weightDecay)));
}
