import type { Graph, Value } from "../graph/index.ts";
import { buildGraph, type OpBuilder } from "../ops/index.ts";
import { type AdamWOptions, adamwScalars, adamwStep } from "./adamw.ts";
import type { Optimizer } from "./optimizer.ts";
import { type FlatParameter, type ParameterGroup, stateNames, trainedGroups } from "./parameter-groups.ts";
import { clippedGradients, decayed, groupRate } from "./update-parts.ts";

export interface MuonOptions extends AdamWOptions {
  /** μ: share of the momentum that a step keeps. */
  readonly momentum: number;
}

/** Momentum of Jordan et al.; AdamW, for what is no hidden matrix, with its own defaults. */
export const muonDefaults = { momentum: 0.95 } as const;

/** Coefficients and number of Newton–Schulz steps (Jordan et al. 2024): singular values end between about 0.7 and 1.2. */
const [a, b, c] = [3.4445, -4.775, 2.0315];
const iterations = 5;

/** Root mean square of an update's elements: that of AdamW's updates, so that its learning rates hold (Liu et al. 2025). */
const updateSize = 0.2;

/** Muon: the momentum of a hidden matrix is orthogonalised; everything else follows AdamW. It keeps what AdamW keeps. */
export function muon(options: MuonOptions): Optimizer {
  return {
    name: "muon",
    moments: () => ["firstMoment", "secondMoment"],
    graph: (groups) => muonGraph(groups, options),
    scalars: (step) => adamwScalars(step, options),
  };
}

/** Weights that map a vector to a vector: two dimensions, and no table of embeddings or of vocabulary rows. */
export function isHiddenMatrix({ name, shape }: Pick<FlatParameter, "name" | "shape">): boolean {
  return shape.length === 2 && !/embed|lm_head/.test(name);
}

/**
 * One Muon update of every group that is trained (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon; scaled as
 * in Liu et al. 2025, arXiv 2502.16982).
 *
 *     M ← μM + G;  X = (G + μM) / |G + μM|;  five times X ← aX + (b·XXᵀ + c·(XXᵀ)²)X
 *     θ ← θ·(1 − η·decay) − η·0.2·√max(n, m) · X         for a matrix [n, m]
 *
 * Inputs: state of each group; `learning_rate` η, `correction1`, `correction2` and where gradients are clipped
 * `gradient_norm`, scalars. Outputs: the new parameters and moments.
 */
export function muonGraph(all: readonly ParameterGroup[], options: MuonOptions): Graph {
  const groups = trainedGroups(all);
  return buildGraph("fusion.update", (op) => {
    const [learningRate, correction1, correction2] = ["learning_rate", "correction1", "correction2"].map((name) =>
      op.input(name, "float32", []),
    ) as [Value, Value, Value];
    const gradients = clippedGradients(op, groups, options.maxGradientNorm);
    groups.forEach((group, index) => {
      const rate = groupRate(op, group, learningRate);
      op.scope(group.name, () => {
        updateGroup(op, group, gradients[index]!, { rate, correction1, correction2 }, options);
      });
    });
  });
}

function updateGroup(
  op: OpBuilder,
  group: ParameterGroup,
  gradient: Value,
  scalars: Readonly<Record<"rate" | "correction1" | "correction2", Value>>,
  options: MuonOptions,
): void {
  const kinds = ["parameters", "firstMoment", "secondMoment"] as const;
  const sizes = group.parameters.map(({ size }) => size);
  const pieces = (flat: Value) => (sizes.length === 1 ? [flat] : op.Split(flat, sizes, 0));
  const [thetas, ms, vs] = kinds.map((kind) => pieces(op.input(stateNames[kind](group), "float32", [group.size]))) as [
    Value[],
    Value[],
    Value[],
  ];
  const next = pieces(gradient).map((g, index) => {
    const parameter = group.parameters[index]!;
    const state = { theta: thetas[index]!, m: ms[index]!, v: vs[index]! };
    const { step, m, v } = isHiddenMatrix(parameter)
      ? op.scope(parameter.name, () => muonStep(op, parameter, g, state, scalars.rate, options))
      : adamwStep(op, g, state, scalars, options);
    return [op.Sub(decayed(op, group, state.theta, scalars.rate), step), m, v];
  });
  kinds.forEach((kind, index) => {
    const values = next.map((one) => one[index]!);
    op.output(`${stateNames[kind](group)}.next`, values.length === 1 ? values[0]! : op.Concat(values, 0));
  });
}

function muonStep(
  op: OpBuilder,
  { shape, size }: FlatParameter,
  gradient: Value,
  { m, v }: Readonly<Record<"m" | "v", Value>>,
  rate: Value,
  { momentum }: MuonOptions,
): Readonly<Record<"step" | "m" | "v", Value>> {
  const [n, k] = shape as readonly [number, number];
  const next = op.Add(op.Mul(m, momentum), gradient);
  const ahead = op.Reshape(op.Add(gradient, op.Mul(next, momentum)), [n, k]); // Nesterov's
  const direction = op.Reshape(orthogonalised(op, ahead, n > k), [size]);
  const step = op.Mul(direction, op.Mul(rate, updateSize * Math.sqrt(Math.max(n, k))));
  return { step, m: next, v };
}

/** The nearest matrix with singular values of about 1. @param isTall - more rows than columns: the smaller product is XᵀX */
function orthogonalised(op: OpBuilder, matrix: Value, isTall: boolean): Value {
  const wide = isTall ? op.Transpose(matrix, [1, 0]) : matrix;
  const norm = op.Sqrt(op.ReduceSum(op.Mul(wide, wide), [0, 1], false));
  let x = op.Div(wide, op.Add(norm, 1e-7));
  for (let step = 0; step < iterations; step++) {
    const square = op.MatMul(x, op.Transpose(x, [1, 0]));
    const polynomial = op.Add(op.Mul(square, b), op.Mul(op.MatMul(square, square), c));
    x = op.Add(op.Mul(x, a), op.MatMul(polynomial, x));
  }
  return isTall ? op.Transpose(x, [1, 0]) : x;
}
