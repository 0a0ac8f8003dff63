import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { type FusionConfig, fusionParameters } from "../fusion/index.ts";
import { float32, type Tensor } from "../tensor/index.ts";
import { compileInMemory, maxRelativeError, randomParameters, tinyConfig } from "../testing/index.ts";
import { gradientGraph } from "./gradient-graph.ts";
import { parameterGroups, stateNames } from "./parameter-groups.ts";
import { type TrainingSample, trainingBatch } from "./training-batch.ts";
import { mixedSamples, pictured, turn } from "./training-for-tests.ts";
import type { TrainingOptions } from "./training-options.ts";
import { type StepLosses, TrainingState } from "./training-state.ts";

const rounding = 1e-6;
const latents = 4;
const config = tinyConfig();

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

/** For tests that make no update; it keeps its compiled programs. */
let shared: TrainingState;
beforeAll(async () => {
  shared = await train();
  open.pop();
});
afterAll(() => shared.dispose());

const open: TrainingState[] = [];
afterEach(async () => {
  for (const state of open.splice(0)) await state.dispose();
});

type Parameters = ReadonlyMap<string, Tensor>;

async function train(
  given: {
    config?: FusionConfig;
    parameters?: Parameters;
    backend?: Backend;
  } = {},
  options: TrainingOptions = {},
): Promise<TrainingState> {
  const used = given.config ?? config;
  const parameters = given.parameters ?? randomParameters(used);
  const read = async (name: string) => parameters.get(name)!.data as Float32Array;
  const state = await TrainingState.create(given.backend ?? backend, used, read, options);
  open.push(state);
  return state;
}

const batchOf = (samples: readonly TrainingSample[], bucket = 1, used = config) =>
  trainingBatch(samples, { config: used, latents, bucket });

function expectEqualLosses(actual: StepLosses, expected: StepLosses, tolerance = rounding): void {
  for (const name of ["loss", "answer", "visionToText", "textToVision"] as const) {
    expect(Math.abs(actual[name] - expected[name]) / Math.abs(expected[name]), name).toBeLessThan(tolerance);
  }
}

/** The largest difference of any element, as a share of the largest gradient of all parameters. */
function gradientDifference(actual: Parameters, expected: Parameters): number {
  const scale = Math.max(
    ...[...expected.values()].map(({ data }) => Math.max(...(data as Float32Array).map(Math.abs))),
  );
  const errors = [...expected].map(([name, { data }]) => {
    const own = actual.get(name)!.data as Float32Array;
    return Math.max(...(data as Float32Array).map((value, i) => Math.abs(value - own[i]!)));
  });
  return Math.max(...errors) / scale;
}

describe("the gradient of a whole model", () => {
  it.each([
    { language: "phi", tower: "siglip2", semantics: "paper" },
    { language: "llama", tower: "siglip", semantics: "released" },
    { language: "llama", tower: "clip", semantics: "paper", config: { fusion_image_tokens: 9 } },
  ] as const)("is the slope of the loss along it: %o", async (options) => {
    const used = tinyConfig(options);
    const parameters = randomParameters(used);
    const groups = parameterGroups(fusionParameters(used), { weightDecay: 0 });
    const { feeds, answerTokens, instructionTokens, samples, sizes } = batchOf(mixedSamples(used), 8, used);
    const program = await compileInMemory(backend, gradientGraph(used, groups, { latents, accumulates: false, sizes }));
    const start = groups.map(({ size, parameters: members }) => {
      const flat = new Float32Array(size);
      for (const { name, offset } of members) flat.set(parameters.get(name)!.data as Float32Array, offset);
      return flat;
    });
    const run = (flat: readonly Float32Array[]) =>
      program.run({
        ...feeds,
        batch_answer_tokens: float32([], [answerTokens]),
        batch_instruction_tokens: float32([], [instructionTokens]),
        batch_samples: float32([], [samples]),
        ...Object.fromEntries(
          groups.map((group, i) => [stateNames.parameters(group), float32([group.size], flat[i]!)]),
        ),
      });
    const at = await run(start);
    const gradient = groups.map((group) => at[`${stateNames.gradient(group)}.next`]!.data as Float32Array);
    const norm = Math.hypot(...gradient.map((flat) => Math.sqrt(flat.reduce((sum, g) => sum + g * g, 0))));

    const step = 0.01 / norm; // the loss moves by about 0.01 each way
    const lossAt = async (distance: number) => {
      const moved = start.map((flat, i) => flat.map((value, j) => value + (distance * gradient[i]![j]!) / norm));
      return Number((await run(moved)).loss!.data[0]);
    };
    const slope = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
    await program.dispose();

    expect(Math.abs(slope / norm - 1)).toBeLessThan(2e-3);
  });
});

describe("a batch in parts", () => {
  it("has the losses and gradients of the batch at once, though its parts have different numbers of tokens", async () => {
    const samples = mixedSamples(config);
    const state = shared;
    const whole = await state.accumulate([batchOf(samples)], latents);
    const gradient = await state.read("gradient");

    const [one, two, three] = samples;
    const parts = await state.accumulate([batchOf([one]), batchOf([two, three])], latents);

    expectEqualLosses(parts, whole);
    expect(gradientDifference(await state.read("gradient"), gradient)).toBeLessThan(rounding);
  });

  it("forgets the batch before, even one with a gradient that is no number", async () => {
    const [one, two] = mixedSamples(config);
    const state = shared;
    await state.accumulate([batchOf([one])], latents);
    const expected = await state.read("gradient");
    const broken = { ...two, picture: { ...two.picture!, wholeImage: { ...two.picture!.wholeImage } } };
    broken.picture.wholeImage.data = (two.picture!.wholeImage.data as Float32Array).map(() => Number.NaN);

    await state.accumulate([batchOf([broken])], latents);
    expect([...(await state.read("gradient")).values()].some(({ data }) => Number.isNaN(data[0]))).toBe(true);
    await state.accumulate([batchOf([one])], latents);

    expect(await state.read("gradient")).toEqual(expected);
  });
});

describe("padding to buckets", () => {
  it("changes neither losses nor gradients under paper semantics", async () => {
    const samples = mixedSamples(config);
    const state = shared;
    const tight = await state.accumulate([batchOf(samples, 1)], latents);
    const gradient = await state.read("gradient");

    const padded = await state.accumulate([batchOf(samples, 32)], latents);

    expectEqualLosses(padded, tight);
    expect(gradientDifference(await state.read("gradient"), gradient)).toBeLessThan(rounding);
  });
});

describe("a sample without a picture", () => {
  it("trains beside others, and alone", async () => {
    const [one, , textOnly] = mixedSamples(config);
    const state = await train();

    const mixed = await state.step([batchOf([one, textOnly])], latents, 1e-3);
    const alone = await state.step([batchOf([textOnly])], latents, 1e-3);

    expect(Number.isFinite(mixed.gradientNorm) && mixed.gradientNorm > 0).toBe(true);
    expect(alone.visionToText).toBe(0);
    expect(alone.answer).toBeGreaterThan(0);
    expect(Number.isFinite(alone.gradientNorm) && alone.gradientNorm > 0).toBe(true);
  });
});

describe("steps", () => {
  it("lower the loss of a batch that is seen again and again", async () => {
    const batch = batchOf(mixedSamples(config), 8);
    const state = await train();
    const answers: number[] = [];
    for (let i = 0; i < 12; i++) answers.push((await state.step([batch], latents, 5e-3)).answer);

    expect(state.steps).toBe(12);
    expect(answers.at(-1)!).toBeLessThan(0.3 * answers[0]!);
  });

  it("give the same bits from the same start", async () => {
    const run = async () => {
      const state = await train();
      for (let i = 0; i < 3; i++) await state.step([batchOf(mixedSamples(config), 8)], latents, 1e-3);
      return state.read();
    };

    expect(await run()).toEqual(await run());
  });

  it("have the same gradient in each of 50 passes over one batch, with two threads", async () => {
    const two = await nodeBackend({ device: "cpu", worker: false, threads: 2 });
    const state = await train({ backend: two });
    const batch = batchOf(mixedSamples(config), 8);
    const pass = async () => {
      const losses = await state.accumulate([batch], latents);
      return { losses, gradient: await state.read("gradient") };
    };
    const first = await pass();

    for (let i = 0; i < 49; i++) expect(await pass()).toEqual(first);
    await two.dispose();
  });

  it("move the parameters by AdamW's rule: at first by the learning rate in the direction of the gradient", async () => {
    const state = await train({}, { maxGradientNorm: 0 });
    const before = await state.read();
    await state.step([batchOf(mixedSamples(config))], latents, 1e-3);
    const [after, gradient] = [await state.read(), await state.read("gradient")];

    const name = "model.mm_projector.0.weight";
    const g = gradient.get(name)!.data;
    const moved = Array.from(after.get(name)!.data, (value, i) => value - before.get(name)!.data[i]!);
    const expected = Array.from(g, (value) => (-1e-3 * value) / (Math.abs(value) + 1e-8));
    expect(Math.max(...moved.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-6);
  });

  it("stop before an update whose loss is no number", async () => {
    const parameters = new Map(randomParameters(config));
    const name = "lm_head.weight";
    const head = parameters.get(name)!;
    parameters.set(name, { ...head, data: (head.data as Float32Array).map(() => Number.NaN) });
    const state = await train({ parameters });

    await expect(state.step([batchOf(mixedSamples(config))], latents, 1e-3)).rejects.toThrow(
      "training step 1: expected a finite loss, got NaN",
    );
    expect(state.steps).toBe(0);
    expect(maxRelativeError((await state.read()).get("model.norm.weight")!, parameters.get("model.norm.weight")!)).toBe(
      0,
    );
  });
});

describe("compiled programs", () => {
  /** The same backend, with a list of what was compiled and disposed. */
  function watched(): { backend: Backend; events: string[] } {
    const events: string[] = [];
    const watching: Backend = {
      device: backend.device,
      reason: backend.reason,
      allocate: (...args) => backend.allocate(...args),
      dispose: () => backend.dispose(),
      compile: async (model, options) => {
        const program = await backend.compile(model, options);
        if (model.name !== "fusion.gradient") return program;
        const number = events.push("compiled");
        return {
          model: program.model,
          run: (...args) => program.run(...args),
          dispose: async () => {
            events.push(`disposed ${number}`);
            await program.dispose();
          },
        };
      },
    };
    return { backend: watching, events };
  }

  const longer = pictured(config, "three", [12], turn([11, 12, 13], new Array<number>(12).fill(30)));

  it("serve batches of every shape", async () => {
    const { backend: watching, events } = watched();
    const state = await train({ backend: watching });
    const [one, two] = mixedSamples(config);

    for (const samples of [[one], [two], [longer, one]]) await state.accumulate([batchOf(samples)], latents);

    expect(events).toEqual(["compiled"]);
  });

  it("are made once for each batch shape where sizes are fixed, with the same losses and gradients", async () => {
    const { backend: watching, events } = watched();
    const state = await train({ backend: watching }, { fixedSizes: true });
    const [one, two] = mixedSamples(config);

    for (const sample of [two, longer, one, two]) await state.accumulate([batchOf([sample], 16)], latents);
    expect(events).toEqual(["compiled", "compiled", "compiled"]); // one has two questions, longer has a longer sequence

    const losses = await state.accumulate([batchOf([one], 16)], latents);
    expectEqualLosses(await shared.accumulate([batchOf([one], 16)], latents), losses);
    expect(gradientDifference(await shared.read("gradient"), await state.read("gradient"))).toBeLessThan(rounding);
  });

  it("leave when long unused, and with the state", async () => {
    const { backend: watching, events } = watched();
    const state = await train({ backend: watching }, { fixedSizes: true, compiledPrograms: 1 });
    const [one, two] = mixedSamples(config);

    await state.accumulate([batchOf([one])], latents);
    await state.accumulate([batchOf([two])], latents);
    expect(events).toEqual(["compiled", "compiled", "disposed 1"]);
    await open.pop()!.dispose();

    expect(events).toEqual(["compiled", "compiled", "disposed 1", "disposed 2"]);
    await expect(state.accumulate([batchOf([one])], latents)).rejects.toThrow(/disposed/);
  });
});

describe("a mistake", () => {
  it("in the length of a parameter is named before anything is trained", async () => {
    const parameters = randomParameters(config);
    const read = async (name: string) =>
      name === "model.norm.weight" ? new Float32Array(3) : (parameters.get(name)!.data as Float32Array);

    await expect(TrainingState.create(backend, config, read)).rejects.toThrow(
      "model.norm.weight: expected 32 values for shape [32], got 3",
    );
  });

  it.each([
    [{ beta1: 1 }, "beta1: expected a number from 0 to below 1, got 1"],
    [{ epsilon: Number.NaN }, "epsilon: expected a number of 0 or more, got NaN"],
    [{ weightDecay: -1 }, "weightDecay: expected a number of 0 or more, got -1"],
    [{ compiledPrograms: 0 }, "compiledPrograms: expected a whole number of 1 or more, got 0"],
  ])("in the options is named: %o", async (options, message) => {
    await expect(train({}, options)).rejects.toThrow(message);
  });

  it("of a batch without parts, of a rate that is no number, and of two calls at once", async () => {
    const state = shared;
    const batch = batchOf(mixedSamples(config));

    await expect(state.step([], latents, 1e-3)).rejects.toThrow("expected at least one part of a batch, got none");
    await expect(state.update(Number.NaN)).rejects.toThrow("learning rate: expected a number of 0 or more, got NaN");
    const first = state.accumulate([batch], latents);
    await expect(state.accumulate([batch], latents)).rejects.toThrow("expected one call at a time");
    await first;
  });

  it("of another Q than the batch was laid out for", async () => {
    await expect(shared.accumulate([batchOf(mixedSamples(config))], 16)).rejects.toThrow(
      /latent_rows: expected \[B, R, 16\], got \[3, 2, 4\]/,
    );
  });
});
