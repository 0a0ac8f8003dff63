import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keptElements } from "../autodiff/kept-elements-for-tests.ts";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { fusionParameters } from "../fusion/index.ts";
import { graphCost } from "../ops/index.ts";
import { randomParameters, tinyConfig } from "../testing/index.ts";
import { gradientGraph } from "./gradient-graph.ts";
import { parameterGroups } from "./parameter-groups.ts";
import { trainingBatch } from "./training-batch.ts";
import { mixedSamples } from "./training-for-tests.ts";
import type { TrainingOptions } from "./training-options.ts";
import { TrainingState } from "./training-state.ts";

const latents = 4;

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

describe("gradient checkpointing", () => {
  it.each([
    { model: {}, options: {} },
    { model: { language: "llama", tower: "clip", semantics: "released" }, options: { fixedSizes: true } },
    {
      model: { language: "llama", tower: "siglip" },
      options: {
        lora: { rank: 2, alpha: 4, targets: "model.layers.*" },
        rules: [{ pattern: "model.vision_sampler_layers.*", frozen: false }],
      },
    },
  ] as const)("changes no bit of losses and gradients: %o", async ({ model, options }) => {
    const config = tinyConfig(model);
    const parameters = randomParameters(config);
    const batch = trainingBatch(mixedSamples(config), { config, latents, bucket: 8 });
    const run = async (checkpointing: boolean) => {
      const read = async (name: string) => parameters.get(name)!.data as Float32Array;
      const given: TrainingOptions = { ...options, checkpointing };
      const state = await TrainingState.create(backend, config, read, given);
      try {
        const first = await state.accumulate([batch, batch], latents);
        const gradient = await state.read("gradient");
        await state.update(1e-3);
        return { first, gradient, second: await state.accumulate([batch], latents) };
      } finally {
        await state.dispose();
      }
    };

    const [plain, checkpointed] = [await run(false), await run(true)];

    expect(checkpointed.first).toEqual(plain.first);
    expect(checkpointed.second).toEqual(plain.second);
    const differing = [...plain.gradient].filter(([name, { data }]) => {
      const other = checkpointed.gradient.get(name)!.data;
      return data.some((value, i) => !Object.is(value, other[i]));
    });
    expect(plain.gradient.size).toBeGreaterThan(20);
    expect(differing.map(([name]) => name)).toEqual([]);
  });

  it("keeps less than a third of the activations for less than a third more work", () => {
    const config = tinyConfig({ config: { num_hidden_layers: 8 }, vision: { num_hidden_layers: 10 } });
    const { sizes } = trainingBatch(mixedSamples(config), { config, latents, bucket: 64 });
    const groups = parameterGroups(fusionParameters(config), { weightDecay: 0 });
    const graph = (checkpointing: boolean) =>
      gradientGraph(config, groups, { latents, accumulates: false, checkpointing });
    const kept = (of: ReturnType<typeof graph>) =>
      keptElements(of, ({ name }) => !/^(backward|recompute)\b/.test(name), sizes);

    const [plain, checkpointed] = [graph(false), graph(true)];

    expect(kept(checkpointed)).toBeLessThan(kept(plain) / 3);
    expect(graphCost(checkpointed, sizes).flops).toBeLessThan((4 / 3) * graphCost(plain, sizes).flops);
  });

  it("computes nothing again where nothing is trained below", () => {
    const config = tinyConfig();
    const groups = parameterGroups(fusionParameters(config), {
      weightDecay: 0,
      rules: [
        { pattern: "lm_head.weight", frozen: false },
        { pattern: "*", frozen: true },
      ],
    });

    const graph = gradientGraph(config, groups, { latents, accumulates: false, checkpointing: true });

    expect(graph.nodes.filter(({ name }) => name.startsWith("recompute"))).toEqual([]);
  });
});
