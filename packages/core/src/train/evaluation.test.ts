import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { randomParameters, tinyConfig } from "../testing/index.ts";
import { TrainingState, trainingBatch } from "./index.ts";
import { mixedSamples } from "./training-for-tests.ts";
import type { TrainingOptions } from "./training-options.ts";

const latents = 4;
const config = tinyConfig({ language: "phi", tower: "siglip2", semantics: "paper" });
const parameters = randomParameters(config);
const samples = mixedSamples(config);
const batch = trainingBatch(samples, { config, latents, bucket: 16 });
let backend: Backend;
const open: TrainingState[] = [];

beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});

afterAll(async () => {
  for (const state of open) await state.dispose();
  await backend.dispose();
});

async function train(options: TrainingOptions = {}, read = readStart): Promise<TrainingState> {
  const state = await TrainingState.create(backend, config, read, options);
  open.push(state);
  return state;
}

const readStart = async (name: string) => parameters.get(name)!.data as Float32Array;

describe("evaluate", () => {
  it("has the losses of a training step, and changes nothing", async () => {
    const state = await train();
    const { gradientNorm: _, ...expected } = await state.accumulate([batch], latents);
    const { answerHits: __, ...losses } = await state.evaluate([batch], latents);

    for (const name of ["loss", "answer", "visionToText", "textToVision"] as const) {
      expect(Math.abs(losses[name] / expected[name] - 1), name).toBeLessThan(1e-5);
    }
    expect((await state.read()).get("model.norm.weight")).toEqual(
      expect.objectContaining({ data: parameters.get("model.norm.weight")!.data }),
    );
  });

  it("gives each answer token its loss: their mean is that of the batch", async () => {
    const state = await train();
    const { answer, answerLosses } = await state.evaluate([batch], latents);

    expect(answerLosses[0]!.length).toBe(batch.answerTokens);
    expect(answerLosses[0]!.reduce((sum, loss) => sum + loss, 0) / batch.answerTokens).toBeCloseTo(answer, 5);
  });

  it("counts the answer tokens that a model has learned by heart as hit, and few before that", async () => {
    const state = await train();
    const before = (await state.evaluate([batch], latents)).answerHits[0]!;
    for (let step = 0; step < 60; step++) await state.step([batch], latents, 1e-2);
    const { answerHits, answerLosses } = await state.evaluate([batch], latents);

    const hits = [...answerHits[0]!];
    expect(hits).toEqual(new Array(batch.answerTokens).fill(1));
    expect(Math.max(...answerLosses[0]!)).toBeLessThan(Math.log(2)); // more than half of the probability
    expect(before.reduce((sum, hit) => sum + hit, 0)).toBeLessThan(batch.answerTokens);
  });
});

describe("a training that goes on from a checkpoint", () => {
  it.each<{ what: string; options: TrainingOptions }>([
    { what: "AdamW", options: { weightDecay: 0.1 } },
    { what: "Adafactor", options: { optimizer: "adafactor" } },
    { what: "a frozen part", options: { rules: [{ pattern: "model.vision_tower.*", frozen: true }] } },
    { what: "LoRA", options: { lora: { rank: 2, alpha: 4, targets: ["model.layers.*.weight"], seed: 3 } } },
  ])("has the bits of one that was never stopped: $what", async ({ options }) => {
    const whole = await train(options);
    for (let step = 0; step < 3; step++) await whole.step([batch], latents, 1e-3);
    const weights = await whole.read();
    const { layout, data } = whole.optimizerState();
    const saved = new Map<string, Float32Array>();
    for (const { name } of layout) saved.set(name, (await data(name)) as Float32Array);
    const steps = whole.steps;
    for (let step = 0; step < 3; step++) await whole.step([batch], latents, 1e-3);

    // Under LoRA the weights below the adapters are those that the training began with.
    const read = async (name: string) => (options.lora ? parameters : weights).get(name)!.data as Float32Array;
    const resumed = await train(options, read);
    await resumed.restore({ steps, read: async (name) => saved.get(name)! });
    for (let step = 0; step < 3; step++) await resumed.step([batch], latents, 1e-3);

    expect(resumed.steps).toBe(6);
    const own = await resumed.read();
    const differing = [...(await whole.read())].filter(([name, { data: values }]) => {
      const other = own.get(name)!.data;
      return values.some((value, i) => !Object.is(value, other[i]));
    });
    expect(differing.map(([name]) => name)).toEqual([]);
  });

  it("names a moment that has another length", async () => {
    const state = await train();
    const read = async () => new Float32Array(1);

    await expect(state.restore({ steps: 1, read })).rejects.toThrow(/expected \d+ values for shape/);
  });
});

describe("a step whose gradient is no number", () => {
  it("is refused before it changes a parameter", async () => {
    const broken = async (name: string) => {
      const values = parameters.get(name)!.data as Float32Array;
      // Infinite scores of one vocabulary row: the loss of the other tokens stays a number only by luck.
      return name === "model.norm.weight" ? values.map(() => 3e38) : values;
    };
    const state = await train({}, broken);
    const before = await state.read();

    await expect(state.step([batch], latents, 1e-3)).rejects.toThrow(/training step 1: expected a finite/);
    const after = await state.read();
    expect(
      [...before].filter(([name, { data }]) => data.some((value, i) => !Object.is(value, after.get(name)!.data[i]))),
    ).toEqual([]);
    expect(state.steps).toBe(0);
  });
});
