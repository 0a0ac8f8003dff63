import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import type { Value } from "../graph/index.ts";
import { buildGraph, type OpBuilder } from "../ops/index.ts";
import { float32, int64, type Tensor } from "../tensor/index.ts";
import { maxRelativeError, runGraph } from "../testing/index.ts";
import {
  activate,
  attend,
  cosineDistance,
  crossEntropy,
  layerNorm,
  linear,
  mergeHeads,
  rmsNorm,
  splitHeads,
  weightedMean,
} from "./index.ts";

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

/** The result of `build` on the fed tensors. */
async function evaluate(
  feeds: Record<string, Tensor>,
  build: (op: OpBuilder, inputs: Record<string, Value>) => Value,
  parameters: Record<string, Tensor> = {},
): Promise<Tensor> {
  const graph = buildGraph("g", (op) => {
    const inputs = Object.entries(feeds).map(([name, { dtype, shape }]) => [name, op.input(name, dtype, shape)]);
    op.output("y", build(op, Object.fromEntries(inputs)));
  });
  return (await runGraph(backend, graph, feeds, new Map(Object.entries(parameters)))).y!;
}

const values = (tensor: Tensor) => Array.from(tensor.data as Float32Array);

describe("activations", () => {
  const x = float32([7], [-10, -3, -1, 0, 0.5, 1, 3]);

  it.each([
    // python: 0.5*x*(1+math.erf(x/math.sqrt(2))), double precision
    ["gelu", [-0, -0.0040496941, -0.1586552539, 0, 0.3457312306, 0.8413447461, 2.9959503059]],
    // python: 0.5*x*(1+math.tanh(math.sqrt(2/math.pi)*(x+0.044715*x**3))), double precision
    ["gelu_tanh", [-0, -0.0036373921, -0.1588080094, 0, 0.3457140098, 0.8411919906, 2.9963626079]],
    // python: x/(1+math.exp(-1.702*x)), double precision
    ["quick_gelu", [-0.0000004058, -0.0180713097, -0.1542042341, 0, 0.3503884366, 0.8457957659, 2.9819286903]],
    // python: x/(1+math.exp(-x)), double precision
    ["silu", [-0.0004539787, -0.1422776195, -0.2689414214, 0, 0.3112296656, 0.7310585786, 2.8577223805]],
  ] as const)("%s", async (kind, expected) => {
    const y = await evaluate({ x }, (op, { x }) => activate(op, kind, x!));

    expect(maxRelativeError(y, float32([7], expected))).toBeLessThan(2e-7);
  });
});

describe("norms", () => {
  // Mean 3, variance 5 of [0, 2, 4, 6]; mean square 14.
  const x = float32([2, 4], [0, 2, 4, 6, 5, 5, 5, 5]);
  const weight = float32([4], [1, 2, 1, -1]);

  it("layerNorm is (x − mean)/√(variance + ε)·weight + bias, and bias for a constant row", async () => {
    const bias = float32([4], [0, 0, 1, 2]);
    const y = await evaluate({ x }, (op, { x }) => layerNorm(op, "norm", x!, 4), {
      "norm.weight": weight,
      "norm.bias": bias,
    });

    // ε = 4 makes the root 3
    expect(maxRelativeError(y, float32([2, 4], [-1, -2 / 3, 4 / 3, 1, 0, 0, 1, 2]))).toBeLessThan(1e-6);
  });

  it("rmsNorm is x/√(mean(x²) + ε)·weight", async () => {
    const y = await evaluate({ x }, (op, { x }) => rmsNorm(op, "norm", x!, 2), { "norm.weight": weight });

    // √(14 + 2) = 4, √(25 + 2)
    const five = 5 / Math.sqrt(27);
    expect(maxRelativeError(y, float32([2, 4], [0, 1, 1, -1.5, five, 2 * five, five, -five]))).toBeLessThan(1e-6);
  });

  it("rmsNorm of zeros is zeros", async () => {
    const y = await evaluate({ x: float32([1, 4], [0, 0, 0, 0]) }, (op, { x }) => rmsNorm(op, "norm", x!, 1e-6), {
      "norm.weight": weight,
    });

    expect(values(y).map(Math.abs)).toEqual([0, 0, 0, 0]);
  });
});

describe("linear", () => {
  it("is x·Wᵀ + b for x of any rank, with W as PyTorch stores it", async () => {
    const weight = float32([2, 3], [1, 2, 3, 4, 5, 6]);
    const bias = float32([2], [10, 20]);
    const build = (op: OpBuilder, { x }: Record<string, Value>) =>
      linear(op, "proj", x!, { inFeatures: 3, outFeatures: 2, bias: true });

    const y = await evaluate({ x: float32([2, 1, 3], [1, 0, 0, 0, 1, 1]) }, build, {
      "proj.weight": weight,
      "proj.bias": bias,
    });

    expect(y.shape).toEqual([2, 1, 2]);
    expect(values(y)).toEqual([11, 24, 15, 31]);
  });
});

describe("attend", () => {
  // One head of width 1: scores are the products, keys 0, 1 and 2.
  const query = float32([1, 2, 1], [0, Math.LN2]);
  const key = float32([1, 3, 1], [0, 1, 2]);
  const value = float32([1, 3, 1], [1, 10, 100]);
  const run = (seen: number[]) =>
    evaluate({ query, key, value, seen: float32([1, 2, 3], seen) }, (op, { query, key, value, seen }) =>
      attend(op, query!, key!, value!, 1, op.Greater(seen!, 0)),
    );

  it("weighs values by softmax(q·k): evenly for a zero query, 1 : 2 : 4 for ln 2", async () => {
    const y = await run([1, 1, 1, 1, 1, 1]);

    expect(maxRelativeError(y, float32([1, 2, 1], [111 / 3, (1 + 20 + 400) / 7]))).toBeLessThan(1e-6);
  });

  it("leaves masked keys out", async () => {
    const y = await run([1, 0, 1, 0, 1, 1]);

    expect(maxRelativeError(y, float32([1, 2, 1], [101 / 2, (10 + 200) / 3]))).toBeLessThan(1e-6);
  });

  it("is uniform over all keys where every one is masked, whatever the scores", async () => {
    const y = await run([1, 1, 1, 0, 0, 0]);

    expect(maxRelativeError(y, float32([1, 2, 1], [37, 37]))).toBeLessThan(1e-6);
  });

  it("scales the scores", async () => {
    const y = await evaluate({ query, key, value }, (op, { query, key, value }) => attend(op, query!, key!, value!, 2));

    expect(maxRelativeError(y, float32([1, 2, 1], [37, (1 + 40 + 1600) / 21]))).toBeLessThan(1e-6);
  });
});

describe("heads", () => {
  // [1, 2, 4]: row s, head a, element h is 100·s + 10·a + h.
  const x = float32([1, 2, 4], [0, 1, 10, 11, 100, 101, 110, 111]);

  it("split to [B, A, S, H] and merge back", async () => {
    const split = await evaluate({ x }, (op, { x }) => splitHeads(op, x!, 2));
    const merged = await evaluate({ x }, (op, { x }) => mergeHeads(op, splitHeads(op, x!, 2)));

    expect(split.shape).toEqual([1, 2, 2, 2]);
    expect(values(split)).toEqual([0, 1, 100, 101, 10, 11, 110, 111]);
    expect(merged).toEqual(x);
  });
});

describe("losses", () => {
  it("crossEntropy is −log softmax at the target", async () => {
    // softmax of [0, ln 3] is [1/4, 3/4]; the second row is far past what exp can hold
    const logits = float32([3, 2], [0, Math.log(3), 1000, 0, 1000, 0]);
    const y = await evaluate({ logits, targets: int64([3], [0, 0, 1]) }, (op, { logits, targets }) =>
      crossEntropy(op, logits!, targets!),
    );

    expect(maxRelativeError(y, float32([3], [Math.log(4), 0, 1000]))).toBeLessThan(1e-6);
  });

  it("cosineDistance is 1 − cos, and 1 where a vector is zero", async () => {
    const a = float32([6, 2], [1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0]);
    const b = float32([6, 2], [2, 0, 0, 5, -3, 0, 1, 1, 1, 0, 0, 0]);
    const y = await evaluate({ a, b }, (op, { a, b }) => cosineDistance(op, a!, b!));

    expect(maxRelativeError(y, float32([6], [0, 1, 2, 1 - Math.SQRT1_2, 1, 1]))).toBeLessThan(1e-6);
  });

  it("cosineDistance floors tiny norms at 1e-8, as PyTorch does", async () => {
    // cos = 1e-10·1 / (1e-8 · 1)
    const y = await evaluate({ a: float32([1, 1], [1e-10]), b: float32([1, 1], [1]) }, (op, { a, b }) =>
      cosineDistance(op, a!, b!),
    );

    expect(values(y)[0]).toBeCloseTo(0.99, 6);
  });

  it("weightedMean ignores what weighs nothing, and is 0 when nothing weighs", async () => {
    const mean = (weights: number[]) =>
      evaluate({ x: float32([2, 2], [1, 2, 3, 100]), weight: float32([2, 2], weights) }, (op, { x, weight }) =>
        weightedMean(op, x!, weight!),
      );

    expect(values(await mean([1, 1, 2, 0]))).toEqual([9 / 4]);
    expect(values(await mean([0, 0, 0, 0]))).toEqual([0]);
  });
});
