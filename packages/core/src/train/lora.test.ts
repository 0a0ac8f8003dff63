import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { fusionParameters } from "../fusion/index.ts";
import { createNormal, type Tensor } from "../tensor/index.ts";
import { maxRelativeError, randomParameters, tinyConfig } from "../testing/index.ts";
import { initialAdapter, loraAdapters } from "./lora.ts";
import { nameMatcher } from "./name-pattern.ts";
import { trainingBatch } from "./training-batch.ts";
import { mixedSamples } from "./training-for-tests.ts";
import type { TrainingOptions } from "./training-options.ts";
import { TrainingState } from "./training-state.ts";

const config = tinyConfig();
const shapes = fusionParameters(config);
const parameters = randomParameters(config);
const latents = 4;
const batch = trainingBatch(mixedSamples(config), { config, latents, bucket: 8 });
const targets = ["model.layers.*", "model.vision_tower.*.q_proj.weight", "lm_head.weight"];
const lora = { rank: 3, alpha: 6, targets, seed: 5 };
const adapters = loraAdapters(shapes, lora);

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

const open: TrainingState[] = [];
afterEach(async () => {
  for (const state of open.splice(0)) await state.dispose();
});

async function train(options: TrainingOptions, given: ReadonlyMap<string, Tensor> = parameters) {
  const read = async (name: string) => given.get(name)!.data as Float32Array;
  const state = await TrainingState.create(backend, config, read, options);
  open.push(state);
  return state;
}

/** A state whose adapters are all of a size that matters. */
async function adapted(options: TrainingOptions = {}): Promise<TrainingState> {
  const state = await train({ lora, ...options });
  await state.writeAdapters(async (name) => {
    const next = createNormal(9, name);
    return initialAdapter(adapters, name).map(() => 0.1 * next());
  });
  return state;
}

const matrix = ({ shape, data }: Tensor) => {
  const [rows, columns] = shape as [number, number];
  return Array.from({ length: rows }, (_, i) =>
    Array.from((data as Float32Array).subarray(i * columns, (i + 1) * columns)),
  );
};
const transpose = (a: number[][]) => a[0]!.map((_, j) => a.map((row) => row[j]!));
const product = (a: number[][], b: number[][], scale: number) =>
  a.map((row) => b[0]!.map((_, j) => scale * row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)));

function expectClose(actual: Tensor, expected: number[][], tolerance: number): void {
  const data = Float32Array.from(expected.flat());
  expect(maxRelativeError(actual, { ...actual, data } as Tensor)).toBeLessThan(tolerance);
}

describe("loraAdapters", () => {
  it("give every target an A [r, in] and a B [out, r] under peft's names, and embeddings and norms none", () => {
    const weights = [...adapters.adapters.keys()];

    expect(weights).toContain("model.layers.0.self_attn.qkv_proj.weight");
    expect(weights.filter((name) => /norm|embed|mm_projector|k_proj/.test(name))).toEqual([]);
    expect(adapters.parameters.get("model.layers.0.mlp.down_proj.lora_A.weight")).toEqual([3, 48]);
    expect(adapters.parameters.get("model.layers.0.mlp.down_proj.lora_B.weight")).toEqual([32, 3]);
    expect(adapters.parameters.size).toBe(2 * weights.length);
    expect(adapters.scale).toBe(2);
    const everything = [...loraAdapters(shapes, { ...lora, targets: "*" }).adapters.keys()];
    expect(everything.filter((name) => /embed/.test(name))).toEqual([]);
  });

  it("start with B of zeros and A uniform in ±1/√in, the same for the same seed", () => {
    const name = "model.layers.0.mlp.down_proj";
    const a = initialAdapter(adapters, `${name}.lora_A.weight`);

    expect(initialAdapter(adapters, `${name}.lora_B.weight`).every((value) => value === 0)).toBe(true);
    const largest = Math.max(...a.map(Math.abs));
    expect(largest * Math.sqrt(48)).toBeGreaterThan(0.9);
    expect(largest * Math.sqrt(48)).toBeLessThanOrEqual(1);
    expect(initialAdapter(adapters, `${name}.lora_A.weight`)).toEqual(a);
    expect(initialAdapter({ ...adapters, seed: 6 }, `${name}.lora_A.weight`)).not.toEqual(a);
  });

  it.each([
    [{ rank: 0 }, "LoRA rank: expected a whole number of 1 or more, got 0"],
    [{ alpha: 0 }, "LoRA alpha: expected a number above 0, got 0"],
    [
      { targets: ["lm_head.weight", "model.layers.*.q_proj.weight"] },
      /LoRA target model\.layers\.\*\.q_proj\.weight: /,
    ],
    [{ targets: "model.embed_tokens.weight" }, /LoRA target model\.embed_tokens\.weight: expected a pattern/],
    [{ targets: [] }, /LoRA target without a pattern/],
  ])("refuse %o", (wrong, message) => {
    expect(() => loraAdapters(shapes, { ...lora, ...wrong })).toThrow(message);
  });
});

describe("training with LoRA", () => {
  it("begins with the losses of the base model, bit by bit", async () => {
    const { gradientNorm: _, ...base } = await (await train({})).accumulate([batch], latents);

    expect(await (await train({ lora })).accumulate([batch], latents)).toMatchObject(base);
  });

  it("gives A the gradient s·Bᵀ·dW and B s·dW·Aᵀ, with dW of the model whose weights are the merged ones", async () => {
    const state = await adapted();
    await state.accumulate([batch], latents);
    const gradient = await state.read("gradient");
    const values = await state.readAdapters();
    const dense = await train({}, await state.read());
    await dense.accumulate([batch], latents);
    const expected = await dense.read("gradient");

    expect([...gradient.keys()].sort()).toEqual([...adapters.parameters.keys()].sort());
    for (const [weight, { a, b }] of adapters.adapters) {
      const slope = matrix(expected.get(weight)!);
      expectClose(gradient.get(a)!, product(transpose(matrix(values.get(b)!)), slope, 2), 2e-4);
      expectClose(gradient.get(b)!, product(slope, transpose(matrix(values.get(a)!)), 2), 2e-4);
    }
  });

  it("changes adapters alone, and only the weights that they belong to in the merged model", async () => {
    const state = await train({ lora });
    for (let i = 0; i < 2; i++) await state.step([batch], latents, 1e-2);
    const merged = await state.read();

    expect([...merged.keys()].sort()).toEqual([...shapes.keys()].sort());
    const changed = [...merged].filter(([name, tensor]) => maxRelativeError(tensor, parameters.get(name)!) > 0);
    expect(changed.map(([name]) => name).sort()).toEqual([...adapters.adapters.keys()].sort());
    await state.writeAdapters(async (name) => new Float32Array(initialAdapter(adapters, name).length));
    const base = await state.read();
    for (const [name, { data }] of parameters) expect(base.get(name)!.data, name).toEqual(data);
  });

  it("has the losses of the merged model", async () => {
    const state = await adapted();
    const losses = await state.accumulate([batch], latents);
    const merged = await (await train({}, await state.read())).accumulate([batch], latents);
    const base = await (await train({})).accumulate([batch], latents);

    for (const name of ["loss", "answer", "visionToText", "textToVision"] as const) {
      expect(Math.abs(losses[name] / merged[name] - 1), name).toBeLessThan(1e-5);
    }
    expect(Math.abs(base.answer / losses.answer - 1)).toBeGreaterThan(1e-2);
  });

  it("trains a part of the base model where a rule says so, beside its adapters", async () => {
    const rules = [
      { pattern: "model.mm_projector.*", frozen: false },
      { pattern: "*.lora_B.weight", learningRateScale: 16 },
    ];
    const state = await train({ lora, rules });
    await state.step([batch], latents, 1e-3);

    const trained = [...(await state.read("gradient")).keys()].filter((name) => !adapters.parameters.has(name));
    expect(trained.sort()).toEqual([...shapes.keys()].filter(nameMatcher("model.mm_projector.*")).sort());
  });

  it("goes on from adapters that were read", async () => {
    const first = await train({ lora });
    await first.step([batch], latents, 1e-2);
    const saved = await first.readAdapters();
    expect([...saved.keys()].sort()).toEqual([...adapters.parameters.keys()].sort());

    const second = await train({ lora });
    await second.writeAdapters(async (name) => saved.get(name)!.data as Float32Array);

    expect(await second.accumulate([batch], latents)).toEqual(await first.accumulate([batch], latents));
  });

  it("names what cannot be: adapters of another rank, and adapters where there are none", async () => {
    const state = await train({ lora });
    await expect(state.writeAdapters(async () => new Float32Array(2))).rejects.toThrow(
      /lora_A\.weight: expected \d+ values/,
    );

    const without = await train({});
    await expect(without.writeAdapters(async () => new Float32Array(2))).rejects.toThrow(
      "adapters: expected a training with the option `lora`, got one without",
    );
    expect((await without.readAdapters()).size).toBe(0);
  });
});
