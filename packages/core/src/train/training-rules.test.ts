import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { fusionParameters } from "../fusion/index.ts";
import { graphCost } from "../ops/index.ts";
import { sizeOf } from "../tensor/index.ts";
import { randomParameters, tinyConfig } from "../testing/index.ts";
import { gradientGraph } from "./gradient-graph.ts";
import { nameMatcher } from "./name-pattern.ts";
import { parameterGroups } from "./parameter-groups.ts";
import type { ParameterRule } from "./parameter-rule.ts";
import { partPatterns } from "./part-patterns.ts";
import { trainingBatch } from "./training-batch.ts";
import { mixedSamples } from "./training-for-tests.ts";
import type { TrainingOptions } from "./training-options.ts";
import { TrainingState } from "./training-state.ts";

const config = tinyConfig();
const latents = 4;
const batch = trainingBatch(mixedSamples(config), { config, latents, bucket: 8 });
const { visionTower, imageProjector, textProjector, embeddings, languageModel } = partPatterns;

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

const open: TrainingState[] = [];
afterEach(async () => {
  for (const state of open.splice(0)) await state.dispose();
});

async function train(options: TrainingOptions): Promise<TrainingState> {
  const parameters = randomParameters(config);
  const read = async (name: string) => parameters.get(name)!.data as Float32Array;
  const state = await TrainingState.create(backend, config, read, options);
  open.push(state);
  return state;
}

describe("a frozen part", () => {
  const rules: ParameterRule[] = [{ pattern: [...visionTower, "*.norm.weight"], frozen: true }];
  const isFrozen = nameMatcher([...visionTower, "*.norm.weight"]);

  it("stays as it was, bit by bit, while the others move", async () => {
    const state = await train({ rules, weightDecay: 0.1 });
    const before = await state.read();
    for (let i = 0; i < 2; i++) await state.step([batch], latents, 1e-2);
    const after = await state.read();

    // The last interaction layer changes rows that no layer reads after it: it has a gradient of zeros.
    const reached = [...before].filter(([name]) => !name.includes("sampler_layers.1."));
    const still = reached.filter(([name, { data }]) => {
      const now = after.get(name)!.data;
      return data.every((value, i) => Object.is(value, now[i]));
    });
    const names = (of: typeof reached) => of.map(([name]) => name).sort();
    expect(names(still)).toEqual(names(reached).filter(isFrozen));
  });

  it("has neither gradient nor moments, and the others have the gradients that they have without it", async () => {
    const [part, whole] = [await train({ rules }), await train({})];
    const { gradientNorm, ...losses } = await part.accumulate([batch], latents);
    const all = await whole.accumulate([batch], latents);
    expect(all).toMatchObject(losses);
    expect(all.gradientNorm).toBeGreaterThan(gradientNorm);

    for (const kind of ["gradient", "firstMoment", "secondMoment"] as const) {
      expect([...(await part.read(kind)).keys()].filter(isFrozen), kind).toEqual([]);
    }
    const expected = await whole.read("gradient");
    for (const [name, gradient] of await part.read("gradient")) expect(gradient, name).toEqual(expected.get(name));
  });

  it("has no weight gradients in the graph, nor a backward pass that only it would need", () => {
    const graph = (given: readonly ParameterRule[]) => {
      const groups = parameterGroups(fusionParameters(config), { weightDecay: 0, rules: given });
      return gradientGraph(config, groups, { latents, accumulates: false });
    };
    const all = graph([]);
    const frozenLanguageModel = graph([{ pattern: languageModel, frozen: true }]);
    const nothingBelowTheProjector = graph([
      { pattern: [...visionTower, ...textProjector, ...embeddings], frozen: true },
    ]);
    const flops = (which: typeof all) => graphCost(which, batch.sizes).flops;

    // dW = dyᵀ·x over the rows of the sequence, for each matrix of the decoder layers
    const matrices = [...fusionParameters(config)].filter(
      ([name, shape]) => nameMatcher(languageModel)(name) && shape.length > 1,
    );
    const elements = matrices.reduce((sum, [, shape]) => sum + sizeOf(shape), 0);
    expect(flops(all) - flops(frozenLanguageModel)).toBe(2 * batch.sizes.B * batch.sizes.S * elements);
    expect(frozenLanguageModel.nodes.length).toBeLessThan(all.nodes.length);
    const ofTower = (which: typeof all) =>
      which.nodes.filter(({ name }) => name.startsWith("backward.model.vision_tower")).length;
    expect(ofTower(all)).toBeGreaterThan(100);
    expect(ofTower(nothingBelowTheProjector)).toBe(0);
  });
});

describe("a part with a rate of its own", () => {
  it("moves by its share of the learning rate", async () => {
    const rules = [{ pattern: imageProjector, learningRateScale: 0.25 }];
    const [own, plain] = [await train({ rules, maxGradientNorm: 0 }), await train({ maxGradientNorm: 0 })];
    const before = await own.read();
    for (const state of [own, plain]) await state.step([batch], latents, 1e-2);
    const [slow, fast] = [await own.read(), await plain.read()];

    const moved = (state: typeof slow, name: string) =>
      Array.from(state.get(name)!.data, (value, i) => Number(value) - Number(before.get(name)!.data[i]));
    const name = "model.mm_projector.0.weight";
    const expected = moved(fast, name).map((value) => 0.25 * value);
    expect(Math.max(...moved(slow, name).map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-6);
    expect(slow.get("lm_head.weight")).toEqual(fast.get("lm_head.weight"));
  });
});

describe("a wrong rule", () => {
  it("is named before anything is trained", async () => {
    await expect(train({ rules: [{ pattern: "model.mm_projektor.*" }] })).rejects.toThrow(
      /rule model\.mm_projektor\.\*: .* such as model\.mm_projector\./,
    );
  });
});
