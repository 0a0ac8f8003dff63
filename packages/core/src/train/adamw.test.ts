import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { createNormal, float32 } from "../tensor/index.ts";
import { compileInMemory } from "../testing/index.ts";
import { type AdamWOptions, adamwDefaults, adamwGraph } from "./adamw.ts";
import { type ParameterGroup, parameterGroups, stateNames } from "./parameter-groups.ts";

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

const [steps, learningRate] = [6, 0.05];
const shapes = new Map([
  ["w", [3, 4]],
  ["b", [5]],
]);

interface Vectors {
  theta: Float64Array;
  m: Float64Array;
  v: Float64Array;
}

/** torch.optim.AdamW in float64, after torch.nn.utils.clip_grad_norm_. */
function adamw(
  groups: readonly ParameterGroup[],
  state: Vectors[],
  gradient: number[][],
  step: number,
  options: AdamWOptions,
) {
  const { beta1, beta2, epsilon, maxGradientNorm } = options;
  const norm = Math.hypot(...gradient.flat());
  const clip = maxGradientNorm > 0 ? Math.min(1, maxGradientNorm / (norm + 1e-6)) : 1;
  groups.forEach(({ weightDecay }, index) => {
    const { theta, m, v } = state[index]!;
    gradient[index]!.forEach((raw, i) => {
      const g = raw * clip;
      theta[i]! *= 1 - learningRate * weightDecay;
      m[i] = beta1 * m[i]! + (1 - beta1) * g;
      v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
      const [mean, deviation] = [m[i]! / (1 - beta1 ** step), Math.sqrt(v[i]! / (1 - beta2 ** step))];
      theta[i]! -= (learningRate * mean) / (deviation + epsilon);
    });
  });
}

describe("adamwGraph", () => {
  it.each([
    { what: "plain", weightDecay: 0, options: { ...adamwDefaults, maxGradientNorm: 0 } },
    { what: "with weight decay", weightDecay: 0.3, options: { ...adamwDefaults, maxGradientNorm: 0 } },
    { what: "with clipping that bites", weightDecay: 0, options: { ...adamwDefaults, maxGradientNorm: 0.5 } },
    { what: "with clipping out of reach", weightDecay: 0, options: { ...adamwDefaults, maxGradientNorm: 1000 } },
    {
      what: "with other betas, epsilon and decay at once",
      weightDecay: 0.1,
      options: { beta1: 0.8, beta2: 0.95, epsilon: 1e-3, maxGradientNorm: 1 },
    },
  ])("is torch.optim.AdamW step by step, $what", async ({ weightDecay, options }) => {
    const groups = parameterGroups(shapes, { weightDecay });
    const next = createNormal(3, "adamw");
    const fill = (size: number) => Array.from({ length: size }, () => Math.fround(next()));
    const own = groups.map(({ size }) => ({ theta: fill(size), m: fill(size).fill(0), v: fill(size).fill(0) }));
    const expected = own.map(({ theta, m, v }) => ({
      theta: Float64Array.from(theta),
      m: Float64Array.from(m),
      v: Float64Array.from(v),
    }));
    const program = await compileInMemory(backend, adamwGraph(groups, options));

    for (let step = 1; step <= steps; step++) {
      const gradient = groups.map(({ size }) => fill(size));
      const feeds = Object.fromEntries(
        groups.flatMap((group, index) => {
          const { theta, m, v } = own[index]!;
          return [
            [stateNames.parameters(group), float32([group.size], theta)],
            [stateNames.gradient(group), float32([group.size], gradient[index]!)],
            [stateNames.firstMoment(group), float32([group.size], m)],
            [stateNames.secondMoment(group), float32([group.size], v)],
          ];
        }),
      );
      const fetched = await program.run({
        ...feeds,
        ...(options.maxGradientNorm > 0 && { gradient_norm: float32([], [Math.hypot(...gradient.flat())]) }),
        learning_rate: float32([], [learningRate]),
        correction1: float32([], [1 - options.beta1 ** step]),
        correction2: float32([], [Math.sqrt(1 - options.beta2 ** step)]),
      });
      groups.forEach((group, index) => {
        const result = (name: (group: ParameterGroup) => string) =>
          Array.from(fetched[`${name(group)}.next`]!.data as Float32Array);
        own[index] = {
          theta: result(stateNames.parameters),
          m: result(stateNames.firstMoment),
          v: result(stateNames.secondMoment),
        };
      });

      adamw(groups, expected, gradient, step, options);

      groups.forEach((_, index) => {
        for (const kind of ["theta", "m", "v"] as const) {
          const error = Math.max(...own[index]![kind].map((value, i) => Math.abs(value - expected[index]![kind][i]!)));
          expect(error, `${kind} after step ${step}`).toBeLessThan(1e-6);
        }
      });
    }
    await program.dispose();
  });

  it("decays matrices only", async () => {
    const groups = parameterGroups(shapes, { weightDecay: 0.5 });
    const program = await compileInMemory(backend, adamwGraph(groups, adamwDefaults));
    const vectors = (value: number) => (group: ParameterGroup) =>
      float32([group.size], new Array(group.size).fill(value));
    const feeds = Object.fromEntries(
      groups.flatMap((group) => [
        [stateNames.parameters(group), vectors(1)(group)],
        ...[stateNames.gradient, stateNames.firstMoment, stateNames.secondMoment].map((name) => [
          name(group),
          vectors(0)(group),
        ]),
      ]),
    );

    const one = float32([], [1]);
    const fetched = await program.run({
      ...feeds,
      gradient_norm: float32([], [0]),
      learning_rate: float32([], [0.1]),
      correction1: one,
      correction2: one,
    });
    await program.dispose();

    expect(fetched["parameters.matrices.next"]!.data[0]).toBeCloseTo(0.95, 6);
    expect(fetched["parameters.norms_and_biases.next"]!.data[0]).toBe(1);
  });
});
