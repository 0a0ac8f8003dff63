import type { Backend, Program } from "../backends/index.ts";
import { type Graph, withOutputs } from "../graph/index.ts";
import { buildGraph, evaluateDim } from "../ops/index.ts";
import { createRandom, sizeOf, type Tensor, tensor } from "../tensor/index.ts";
import { compileInMemory } from "../testing/index.ts";
import { type GradientRules, gradients } from "./backward.ts";
import { caseSizes, type GradientCase } from "./gradient-cases-for-tests.ts";

type Float = "float32" | "float64";

/** Far from where float64 rounds (1e-16 / 1e-5) and from where curvature counts (1e-10). */
const step = 1e-5;

export interface CheckOptions {
  /** What the gradient graph computes in; the differences are always those of float64. */
  readonly dtype: Float;
  /** Build the graph with fixed sizes instead of named ones. */
  readonly fixed?: boolean;
  readonly rules?: GradientRules;
}

/**
 * Runs the gradient graph of Σ w·f(x) and compares with central differences.
 *
 * @returns the largest error of each input's gradient, as a share of that gradient's largest value
 */
export async function gradientErrors(backend: Backend, given: GradientCase, options: CheckOptions): Promise<number[]> {
  const values = inputValues(given);
  const graph = gradientGraph(given, options);
  const weights = random("w", graph.inputs.at(-1)!.shape.map(evaluate), [-1, 1]);
  const found = await runOnce(backend, graph, feedsOf([...values, weights], options.dtype));
  const slopes = await differences(backend, given, values, weights);
  return slopes.map((expected, index) => {
    const actual = found[`d${index}`]!.data as Float32Array;
    const scale = Math.max(...expected.map(Math.abs));
    const error = Math.max(...expected.map((slope, i) => Math.abs(slope - actual[i]!)));
    return error === 0 ? 0 : error / scale;
  });
}

/** Inputs x0, x1, … and the weights w; outputs `loss` and the gradient of each input. */
function gradientGraph(given: GradientCase, { dtype, fixed, rules }: CheckOptions): Graph {
  return buildGraph(
    `${given.operator}.gradient`,
    (op) => {
      const inputs = given.inputs.map((shape, index) => op.input(`x${index}`, dtype, shape));
      const y = given.build(op, inputs);
      const weighted = op.Mul(y, op.input("w", dtype, y.shape));
      const axes = y.shape.map((_, axis) => axis);
      const loss = axes.length === 0 ? weighted : op.ReduceSum(weighted, axes, false);
      op.output("loss", loss);
      gradients(op, loss, inputs, { rules }).forEach((gradient, index) => {
        op.output(`d${index}`, gradient);
      });
    },
    fixed ? caseSizes : {},
  );
}

/** (Σ w·f(x + h) − Σ w·f(x − h)) / 2h for each element of each input, in float64. */
async function differences(
  backend: Backend,
  given: GradientCase,
  values: readonly Tensor<"float64">[],
  weights: Tensor<"float64">,
): Promise<number[][]> {
  if (given.float64) {
    const f = given.float64;
    return [Array.from(values[0]!.data, (x, i) => (weights.data[i]! * (f(x + step) - f(x - step))) / (2 * step))];
  }
  const graph = withOutputs(gradientGraph(given, { dtype: "float64" }), ["loss"]);
  const program = await compileInMemory(backend, graph);
  try {
    const slopes: number[][] = [];
    for (const { data } of values) {
      const own: number[] = [];
      for (let i = 0; i < data.length; i++) {
        const x = data[i]!;
        data[i] = x + step;
        const above = await lossOf(program, [...values, weights]);
        data[i] = x - step;
        own.push((above - (await lossOf(program, [...values, weights]))) / (2 * step));
        data[i] = x;
      }
      slopes.push(own);
    }
    return slopes;
  } finally {
    await program.dispose();
  }
}

async function lossOf(program: Program, tensors: readonly Tensor<"float64">[]): Promise<number> {
  const { loss } = await program.run(feedsOf(tensors, "float64"), { fetch: ["loss"] });
  return Number(loss!.data[0]);
}

async function runOnce(backend: Backend, graph: Graph, feeds: Record<string, Tensor>) {
  const program = await compileInMemory(backend, graph);
  try {
    return await program.run(feeds);
  } finally {
    await program.dispose();
  }
}

/** The last tensor is w. */
function feedsOf(tensors: readonly Tensor<"float64">[], dtype: Float): Record<string, Tensor> {
  return Object.fromEntries(
    tensors.map(({ shape, data }, index) => [
      index === tensors.length - 1 ? "w" : `x${index}`,
      dtype === "float64" ? tensor(dtype, shape, data) : tensor(dtype, shape, Float32Array.from(data)),
    ]),
  );
}

function inputValues({ inputs, range = [-2, 2], operator, what }: GradientCase): Tensor<"float64">[] {
  return inputs.map((shape, index) => random(`${operator} ${what} ${index}`, shape.map(evaluate), range));
}

/** Numbers that float32 holds exactly, so that both precisions see the same point. */
function random(stream: string, shape: readonly number[], [from, to]: readonly [number, number]): Tensor<"float64"> {
  const next = createRandom(0, stream);
  const data = Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(from + (to - from) * next()));
  return tensor("float64", shape, data);
}

function evaluate(dim: number | string): number {
  return evaluateDim(dim, caseSizes);
}
