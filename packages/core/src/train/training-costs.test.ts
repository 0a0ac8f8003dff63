import { describe, expect, test } from "vitest";
import { fusionParameters } from "../fusion/index.ts";
import { graphCost } from "../ops/index.ts";
import { sizeOf } from "../tensor/index.ts";
import { tinyConfig } from "../testing/index.ts";
import { passGraph } from "./batch-programs.ts";
import type { BatchSizes } from "./gradient-graph.ts";
import { type PlannedPass, trainingCosts } from "./training-costs.ts";
import { trainingSetup } from "./training-setup.ts";

const config = tinyConfig();
const all = [...fusionParameters(config).values()].reduce((sum, shape) => sum + sizeOf(shape), 0);
const sizes: BatchSizes = { B: 2, I: 16, M: 16, R: 1, S: 64, T: 32 };
const first: PlannedPass = { pass: "first", latents: 4, sizes: [sizes, { ...sizes, B: 8 }] };

describe("parameters", () => {
  test("are counted by part, and all are trained by default", () => {
    const { parameters } = trainingCosts(config, []);

    expect(parameters).toMatchObject({ all, trained: all, adapters: 0 });
    expect(Object.values(parameters.parts).reduce((sum, count) => sum + count, 0)).toBe(all);
  });

  test("that are frozen have no gradient and no moments", () => {
    const rules = [{ pattern: "model.vision_tower.*", frozen: true }];
    const costs = trainingCosts(config, [], { rules });
    const trained = all - costs.parameters.parts.visionTower;

    expect(costs).toMatchObject({ parameterBytes: 4 * all, gradientBytes: 4 * trained, momentBytes: 8 * trained });
  });

  test("of adapters are beside those of the model", () => {
    const lora = { rank: 2, alpha: 4, targets: "model.layers.*.weight" };
    const { parameters, parameterBytes, gradientBytes } = trainingCosts(config, [], { lora });

    expect(parameters.adapters).toBeGreaterThan(0);
    expect(parameters).toMatchObject({ all, trained: parameters.adapters });
    expect([parameterBytes, gradientBytes]).toEqual([4 * (all + parameters.adapters), 4 * parameters.adapters]);
  });
});

test("moments are two numbers for each parameter under AdamW, and hardly any under Adafactor", () => {
  expect(trainingCosts(config, []).momentBytes).toBe(8 * all);
  expect(trainingCosts(config, [], { optimizer: "adafactor" }).momentBytes).toBeLessThan(all);
});

describe("passes", () => {
  test("have the arithmetic of the graphs that run", () => {
    const [pass] = trainingCosts(config, [first]).passes;
    const { groups } = trainingSetup(config, {});
    const graph = passGraph(config, groups, { pass: "first", latents: 4 });

    expect(pass!.flops).toEqual(first.sizes.map((each) => graphCost(graph, each).flops));
    expect(pass!.nodes).toBe(graph.nodes.length);
  });

  test("take memory that grows with the batch, and much less without a backward pass", () => {
    const [gradient, evaluation] = trainingCosts(config, [first, { ...first, pass: "evaluation" }]).passes;
    const [small, large] = gradient!.activations as [number, number];

    expect(large).toBeGreaterThan(2 * small);
    expect(large).toBeLessThan(4 * small);
    expect(evaluation!.activations[1]).toBeLessThan(large / 2);
  });
});
