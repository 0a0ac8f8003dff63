import type { Graph, Value } from "../graph/index.ts";
import { buildGraph, type OpBuilder } from "../ops/index.ts";
import type { Optimizer } from "./optimizer.ts";
import { type ParameterGroup, type StateKind, stateLayout, stateNames, trainedGroups } from "./parameter-groups.ts";
import { clippedGradients, decayed, groupRate } from "./update-parts.ts";

export interface AdafactorOptions {
  /** Step t keeps 1 − t^−decayRate of the second moment. */
  readonly decayRate: number;
  /** ε₁: added to the squared gradient. */
  readonly epsilon: number;
  /** d: an update is scaled down to this root mean square. */
  readonly clipThreshold: number;
  /** The gradient is scaled down to this L2 norm over all parameters; 0 never. */
  readonly maxGradientNorm: number;
}

/** The paper's numbers, which are those of transformers too, and the clipping of its Trainer. */
export const adafactorDefaults: AdafactorOptions = {
  decayRate: 0.8,
  epsilon: 1e-30,
  clipThreshold: 1,
  maxGradientNorm: 1,
};

/** Adafactor: of a matrix it keeps the means of rows and columns alone, and no first moment. */
export function adafactor(options: AdafactorOptions): Optimizer {
  return {
    name: "adafactor",
    moments: (group) => (isFactored(group) ? ["rowMoment", "columnMoment"] : ["secondMoment"]),
    graph: (groups) => adafactorGraph(groups, options),
    scalars: (step) => ({ kept: 1 - step ** -options.decayRate, added: step ** -options.decayRate }),
  };
}

/**
 * One Adafactor update of every group that is trained (Shazeer & Stern 2018, arXiv 1804.04235, algorithms 4 and 5), with the
 * learning rate from outside: as transformers' `Adafactor(scale_parameter=False, relative_step=False)`.
 *
 *     R ← βR + (1−β)·mean over columns of (g² + ε₁);  C ← βC + (1−β)·mean over rows;  β = 1 − t^−0.8
 *     u = g / √(R·C / mean(R)), of vectors g / √V;   u ← u / max(1, RMS(u)/d)
 *     θ ← θ·(1 − η·decay) − η·u
 *
 * Inputs: state of each group; `learning_rate` η, `kept` β, `added` 1−β, and where gradients are clipped
 * `gradient_norm`, scalars. Outputs: the new parameters and moments.
 */
export function adafactorGraph(all: readonly ParameterGroup[], options: AdafactorOptions): Graph {
  const groups = trainedGroups(all);
  return buildGraph("fusion.update", (op) => {
    const [learningRate, kept, added] = ["learning_rate", "kept", "added"].map((name) =>
      op.input(name, "float32", []),
    ) as [Value, Value, Value];
    const gradients = clippedGradients(op, groups, options.maxGradientNorm);
    const average: Average = (old, now) => op.Add(op.Mul(old, kept), op.Mul(now, added));
    groups.forEach((group, index) => {
      op.scope(group.name, () => updateGroup(op, group, gradients[index]!, { learningRate, average }, options));
    });
  });
}

/** β·old + (1−β)·now */
type Average = (old: Value, now: Value) => Value;

function updateGroup(
  op: OpBuilder,
  group: ParameterGroup,
  gradient: Value,
  { learningRate, average }: { learningRate: Value; average: Average },
  { epsilon, clipThreshold }: AdafactorOptions,
): void {
  const kinds: readonly StateKind[] = isFactored(group) ? ["rowMoment", "columnMoment"] : ["secondMoment"];
  const moments = kinds.map((kind) =>
    cut(op, kind, group, op.input(stateNames[kind](group), "float32", [stateLayout(kind, group).size])),
  );
  const steps: Value[] = [];
  const next = kinds.map((): Value[] => []);
  cut(op, "gradient", group, gradient).forEach((g, index) => {
    const own = moments.map((pieces) => pieces[index]!);
    const squares = op.Add(op.Mul(g, g), epsilon);
    const update =
      own.length === 2
        ? factored(op, g, squares, own as [Value, Value], average)
        : full(op, g, squares, own[0]!, average);
    for (const [kind, moment] of update.moments.entries()) next[kind]!.push(flatten(op, moment));
    const axes = [...g.shape.keys()];
    const rms = op.Sqrt(op.ReduceMean(op.Mul(update.step, update.step), axes, false));
    steps.push(flatten(op, op.Div(update.step, op.Max(op.Div(rms, clipThreshold), 1))));
  });
  const parameters = op.input(stateNames.parameters(group), "float32", [group.size]);
  const rate = groupRate(op, group, learningRate);
  const step = op.Mul(op.Concat(steps, 0), rate);
  op.output(`${stateNames.parameters(group)}.next`, op.Sub(decayed(op, group, parameters, rate), step));
  kinds.forEach((kind, index) => {
    op.output(`${stateNames[kind](group)}.next`, op.Concat(next[index]!, 0));
  });
}

interface Update {
  readonly step: Value;
  readonly moments: readonly Value[];
}

/** @param gradient - [..., n, m], rows [..., n], columns [..., m] */
function factored(
  op: OpBuilder,
  gradient: Value,
  squares: Value,
  [rows, columns]: [Value, Value],
  average: Average,
): Update {
  const rank = gradient.shape.length;
  const [leading, n, m] = [gradient.shape.slice(0, -2), gradient.shape.at(-2)!, gradient.shape.at(-1)!];
  const nextRows = average(rows, op.ReduceMean(squares, [rank - 1], false));
  const nextColumns = average(columns, op.ReduceMean(squares, [rank - 2], false));
  const relative = op.Div(nextRows, op.ReduceMean(nextRows, [rank - 2]));
  const r = op.Reshape(op.Sqrt(relative), [...leading, n, 1]);
  const c = op.Reshape(op.Sqrt(nextColumns), [...leading, 1, m]);
  return { step: op.Div(gradient, op.Mul(r, c)), moments: [nextRows, nextColumns] };
}

function full(op: OpBuilder, gradient: Value, squares: Value, moment: Value, average: Average): Update {
  const next = average(moment, squares);
  return { step: op.Div(gradient, op.Sqrt(next)), moments: [next] };
}

/** The parameters of a group have one number of dimensions or more than one, never both kinds. */
function isFactored({ parameters }: ParameterGroup): boolean {
  return parameters[0]!.shape.length > 1;
}

/** The pieces of a flat vector, each in the shape that this kind of state has for its parameter. */
function cut(op: OpBuilder, kind: StateKind, group: ParameterGroup, flat: Value): Value[] {
  const { pieces } = stateLayout(kind, group);
  const sizes = pieces.map(({ size }) => size);
  const parts = pieces.length === 1 ? [flat] : op.Split(flat, sizes, 0);
  return pieces.map(({ shape }, index) => op.Reshape(parts[index]!, shape));
}

function flatten(op: OpBuilder, value: Value): Value {
  return op.Reshape(value, [value.shape.reduce<number>((size, dim) => size * (dim as number), 1)]);
}
