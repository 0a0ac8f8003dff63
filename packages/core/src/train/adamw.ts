import type { Graph, Value } from "../graph/index.ts";
import { buildGraph, type OpBuilder } from "../ops/index.ts";
import type { Optimizer } from "./optimizer.ts";
import { type ParameterGroup, stateNames, trainedGroups } from "./parameter-groups.ts";
import { clippedGradients, decayed, groupRate } from "./update-parts.ts";

export interface AdamWOptions {
  /** Share of the first moment that a step keeps. */
  readonly beta1: number;
  /** Share of the second moment that a step keeps. */
  readonly beta2: number;
  /** Added to the root of the second moment. */
  readonly epsilon: number;
  /** The gradient is scaled down to this L2 norm over all parameters; 0 never. */
  readonly maxGradientNorm: number;
}

/** PyTorch's defaults, and the clipping of transformers' Trainer, which the paper trained with. */
export const adamwDefaults: AdamWOptions = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, maxGradientNorm: 1 };

/** AdamW: two moments for every parameter. */
export function adamw(options: AdamWOptions): Optimizer {
  return {
    name: "adamw",
    moments: () => ["firstMoment", "secondMoment"],
    graph: (groups) => adamwGraph(groups, options),
    scalars: (step) => adamwScalars(step, options),
  };
}

/** Corrections of moments that began as zeros, for a step counted from 1. */
export function adamwScalars(step: number, { beta1, beta2 }: AdamWOptions): Record<string, number> {
  return { correction1: 1 - beta1 ** step, correction2: Math.sqrt(1 - beta2 ** step) };
}

/**
 * One AdamW update of every group that is trained (Loshchilov & Hutter 2019; as torch.optim.AdamW).
 *
 *     θ ← θ·(1 − η·decay);  m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²
 *     θ ← θ − η/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε)
 *
 * Inputs: state of each group; `learning_rate` η, `correction1` 1−β₁ᵗ, `correction2` √(1−β₂ᵗ), and where gradients are
 * clipped `gradient_norm`, scalars. Outputs: the new parameters and moments.
 */
export function adamwGraph(all: readonly ParameterGroup[], options: AdamWOptions): Graph {
  const groups = trainedGroups(all);
  return buildGraph("fusion.update", (op) => {
    const scalars = {
      learningRate: op.input("learning_rate", "float32", []),
      correction1: op.input("correction1", "float32", []),
      correction2: op.input("correction2", "float32", []),
    };
    const gradients = clippedGradients(op, groups, options.maxGradientNorm);
    groups.forEach((group, index) => {
      op.scope(group.name, () => updateGroup(op, group, gradients[index]!, scalars, options));
    });
  });
}

function updateGroup(
  op: OpBuilder,
  group: ParameterGroup,
  gradient: Value,
  { learningRate, ...corrections }: Readonly<Record<"learningRate" | "correction1" | "correction2", Value>>,
  options: AdamWOptions,
): void {
  const { parameters, firstMoment, secondMoment } = stateNames;
  const [theta, m, v] = [parameters, firstMoment, secondMoment].map((name) =>
    op.input(name(group), "float32", [group.size]),
  ) as [Value, Value, Value];
  const rate = groupRate(op, group, learningRate);
  const next = adamwStep(op, gradient, { m, v }, { rate, ...corrections }, options);
  op.output(`${parameters(group)}.next`, op.Sub(decayed(op, group, theta, rate), next.step));
  op.output(`${firstMoment(group)}.next`, next.m);
  op.output(`${secondMoment(group)}.next`, next.v);
}

/** What is taken from the parameters, and their new moments. */
export function adamwStep(
  op: OpBuilder,
  gradient: Value,
  { m, v }: Readonly<Record<"m" | "v", Value>>,
  { rate, correction1, correction2 }: Readonly<Record<"rate" | "correction1" | "correction2", Value>>,
  { beta1, beta2, epsilon }: AdamWOptions,
): Readonly<Record<"step" | "m" | "v", Value>> {
  const nextM = op.Add(op.Mul(m, beta1), op.Mul(gradient, 1 - beta1));
  const nextV = op.Add(op.Mul(v, beta2), op.Mul(op.Mul(gradient, gradient), 1 - beta2));
  const denominator = op.Add(op.Div(op.Sqrt(nextV), correction2), epsilon);
  return { step: op.Div(op.Mul(nextM, op.Div(rate, correction1)), denominator), m: nextM, v: nextV };
}
