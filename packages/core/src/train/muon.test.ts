import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { createNormal, float32 } from "../tensor/index.ts";
import { compileInMemory } from "../testing/index.ts";
import { adamw, adamwDefaults } from "./adamw.ts";
import { isHiddenMatrix, muon, muonDefaults } from "./muon.ts";
import type { Optimizer } from "./optimizer.ts";
import { parameterGroups, stateNames } from "./parameter-groups.ts";

const options = { ...muonDefaults, ...adamwDefaults, maxGradientNorm: 0 };
const learningRate = 0.01;

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

type Shapes = Readonly<Record<string, readonly number[]>>;

/** Steps with random gradients from random parameters; returns parameters and moments by name, before and after. */
async function steps(optimizer: Optimizer, shapes: Shapes, { count = 1, scale = 1, weightDecay = 0 } = {}) {
  const groups = parameterGroups(new Map(Object.entries(shapes)), { weightDecay });
  const program = await compileInMemory(backend, optimizer.graph(groups));
  const next = createNormal(5, "muon");
  const random = (size: number) => Float32Array.from({ length: size }, () => next());
  const state = new Map<string, Float32Array>();
  for (const group of groups) {
    state.set(stateNames.parameters(group), random(group.size));
    for (const kind of ["firstMoment", "secondMoment"] as const) {
      state.set(stateNames[kind](group), new Float32Array(group.size));
    }
  }
  const cut = () =>
    new Map(
      groups.flatMap((group) =>
        group.parameters.map(({ name, offset, size }): [string, Float32Array] => [
          name,
          state.get(stateNames.parameters(group))!.slice(offset, offset + size),
        ]),
      ),
    );
  const before = cut();
  const gradients: Map<string, Float32Array>[] = [];
  for (let step = 1; step <= count; step++) {
    const scalars = Object.entries({ learning_rate: learningRate, ...optimizer.scalars(step) });
    const gradient = new Map<string, Float32Array>();
    const feeds = groups.map((group) => {
      const flat = random(group.size).map((value) => value * scale);
      for (const { name, offset, size } of group.parameters) gradient.set(name, flat.slice(offset, offset + size));
      return [stateNames.gradient(group), float32([group.size], flat)] as const;
    });
    gradients.push(gradient);
    const fetched = await program.run({
      ...Object.fromEntries([...state].map(([name, flat]) => [name, float32([flat.length], flat)])),
      ...Object.fromEntries(feeds),
      ...Object.fromEntries(scalars.map(([name, value]) => [name, float32([], [value])])),
    });
    for (const name of state.keys()) state.set(name, fetched[`${name}.next`]!.data as Float32Array);
  }
  await program.dispose();
  return { before, after: cut(), gradients };
}

/** Newton–Schulz in float64. */
function orthogonal(matrix: readonly number[][]): number[][] {
  const product = (x: readonly number[][], y: readonly number[][]) =>
    x.map((row) => y[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * y[k]![j]!, 0)));
  const transposed = (x: readonly number[][]) => x[0]!.map((_, j) => x.map((row) => row[j]!));
  const norm = Math.hypot(...matrix.flat()) + 1e-7;
  let x = matrix.map((row) => row.map((value) => value / norm));
  for (let step = 0; step < 5; step++) {
    const square = product(x, transposed(x));
    const fourth = product(square, square);
    const polynomial = square.map((row, i) => row.map((value, j) => -4.775 * value + 2.0315 * fourth[i]![j]!));
    const added = product(polynomial, x);
    x = x.map((row, i) => row.map((value, j) => 3.4445 * value + added[i]![j]!));
  }
  return x;
}

const rows = (flat: ArrayLike<number>, width: number) =>
  Array.from({ length: flat.length / width }, (_, i) => Array.from(flat).slice(i * width, (i + 1) * width));

describe("Muon", () => {
  it.each([
    [6, 6],
    [4, 9],
  ])("is the published algorithm step by step: a matrix of %i × %i", async (n, k) => {
    const count = 4;
    const { before, after, gradients } = await steps(muon(options), { w: [n, k] }, { count });
    const theta = Float64Array.from(before.get("w")!);
    let m = new Float64Array(n * k);
    for (const gradient of gradients) {
      const g = gradient.get("w")!;
      m = m.map((value, i) => 0.95 * value + g[i]!);
      const ahead = m.map((value, i) => g[i]! + 0.95 * value);
      const direction = orthogonal(rows(ahead, k)).flat();
      direction.forEach((value, i) => {
        theta[i]! -= learningRate * 0.2 * Math.sqrt(Math.max(n, k)) * value;
      });
    }

    const error = Math.max(...after.get("w")!.map((value, i) => Math.abs(value - theta[i]!)));
    expect(error).toBeLessThan(1e-5);
  });

  it.each([
    ["wide", 8, 20],
    ["tall", 20, 8],
  ])("moves a %s matrix by nearly the same in every direction, whatever the gradient's size", async (_what, n, k) => {
    for (const scale of [1e-6, 1, 1e6]) {
      const { before, after } = await steps(muon(options), { w: [n, k] }, { scale });
      const step = after.get("w")!.map((value, i) => (before.get("w")![i]! - value) / learningRate);
      const unit = rows(
        step.map((value) => value / (0.2 * Math.sqrt(Math.max(n, k)))),
        k,
      );
      const short = n <= k ? unit : unit[0]!.map((_, j) => unit.map((row) => row[j]!));
      // The square of a matrix with singular values from 0.7 to 1.2 has between 0.49 and 1.44 on its diagonal.
      for (const row of short) {
        const square = row.reduce((sum, value) => sum + value * value, 0);
        expect(square).toBeGreaterThan(0.4);
        expect(square).toBeLessThan(1.5);
      }
    }
  });

  it("leaves embeddings, the patch convolution, norms and biases to AdamW, bit by bit", async () => {
    const others: Shapes = {
      "model.embed_tokens.weight": [6, 4],
      "lm_head.weight": [6, 4],
      "vision.patch_embedding.weight": [4, 3, 2, 2],
      "norm.weight": [5],
    };
    const own = await steps(muon(options), others, { count: 3, weightDecay: 0.1 });
    const adam = await steps(adamw(options), others, { count: 3, weightDecay: 0.1 });

    expect(own.after).toEqual(adam.after);
  });

  it("tells hidden matrices by their shape and name", () => {
    const isOne = (name: string, shape: readonly number[]) => isHiddenMatrix({ name, shape });

    expect(isOne("model.layers.0.self_attn.qkv_proj.weight", [9, 3])).toBe(true);
    expect(isOne("model.mm_projector.0.weight", [9, 3])).toBe(true);
    expect(isOne("model.vision_tower.embeddings.position_embedding.weight", [9, 3])).toBe(false);
    expect(isOne("lm_head.weight", [9, 3])).toBe(false);
    expect(isOne("model.norm.weight", [9])).toBe(false);
  });

  it("leaves a matrix without a gradient where it is", async () => {
    const { before, after } = await steps(muon(options), { w: [3, 4] }, { scale: 0 });

    expect(after.get("w")).toEqual(before.get("w"));
  });
});
