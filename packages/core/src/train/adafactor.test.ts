import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { fusionParameters } from "../fusion/index.ts";
import { createNormal, float32 } from "../tensor/index.ts";
import { compileInMemory, maxRelativeError, randomParameters, tinyConfig } from "../testing/index.ts";
import { adafactor, adafactorDefaults } from "./adafactor.ts";
import { adamw, adamwDefaults } from "./adamw.ts";
import { optimizerStateBytes } from "./optimizer.ts";
import { type ParameterGroup, parameterGroups, type StateKind, stateLayout, stateNames } from "./parameter-groups.ts";
import { trainingBatch } from "./training-batch.ts";
import { mixedSamples } from "./training-for-tests.ts";
import { TrainingState } from "./training-state.ts";

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

const [steps, learningRate] = [5, 0.05];
const shapes = new Map([
  ["w", [3, 4]],
  ["kernel", [2, 3, 2, 2]],
  ["b", [5]],
]);

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** A parameter and its moments in float64, updated by the formulas of the paper. */
class Expected {
  readonly rows = new Map<string, number>();
  readonly columns = new Map<string, number>();
  readonly moment: number[];

  constructor(
    readonly shape: readonly number[],
    readonly theta: number[],
    readonly weightDecay: number,
  ) {
    this.moment = theta.map(() => 0);
  }

  /** Index of the leading axes and row, and of the leading axes and column, of an element. */
  #places(i: number): { block: number; row: string; column: string } {
    const [n, m] = this.shape.slice(-2) as [number, number];
    const block = Math.floor(i / (n * m));
    return { block, row: `${block} ${Math.floor(i / m) % n}`, column: `${block} ${i % m}` };
  }

  update(gradient: readonly number[], step: number, clipThreshold: number): void {
    const beta = 1 - step ** -0.8;
    const squares = gradient.map((g) => g * g + 1e-30);
    let update: number[];
    if (this.shape.length === 1) {
      squares.forEach((square, i) => {
        this.moment[i] = beta * this.moment[i]! + (1 - beta) * square;
      });
      update = gradient.map((g, i) => g / Math.sqrt(this.moment[i]!));
    } else {
      const places = gradient.map((_, i) => this.#places(i));
      for (const [moments, key] of [[this.rows, "row"] as const, [this.columns, "column"] as const]) {
        for (const name of new Set(places.map((place) => place[key]))) {
          const now = mean(squares.filter((_, i) => places[i]![key] === name));
          moments.set(name, beta * (moments.get(name) ?? 0) + (1 - beta) * now);
        }
      }
      update = gradient.map((g, i) => {
        const { block, row, column } = places[i]!;
        const average = mean([...this.rows].filter(([name]) => name.startsWith(`${block} `)).map(([, value]) => value));
        return g / Math.sqrt((this.rows.get(row)! * this.columns.get(column)!) / average);
      });
    }
    const rms = Math.sqrt(mean(update.map((value) => value * value)));
    this.theta.forEach((value, i) => {
      const step = (learningRate * update[i]!) / Math.max(1, rms / clipThreshold);
      this.theta[i] = value * (1 - learningRate * this.weightDecay) - step;
    });
  }
}

describe("adafactorGraph", () => {
  it.each([
    { what: "plain", weightDecay: 0, options: { ...adafactorDefaults, maxGradientNorm: 0 }, size: 1 },
    { what: "with weight decay", weightDecay: 0.3, options: { ...adafactorDefaults, maxGradientNorm: 0 }, size: 1 },
    {
      what: "with clipping of the gradient",
      weightDecay: 0,
      options: { ...adafactorDefaults, maxGradientNorm: 0.5 },
      size: 1,
    },
    {
      what: "with updates that are scaled down",
      weightDecay: 0.1,
      options: { ...adafactorDefaults, maxGradientNorm: 0, clipThreshold: 0.4 },
      size: 1,
    },
    {
      what: "of gradients far below 1",
      weightDecay: 0,
      options: { ...adafactorDefaults, maxGradientNorm: 0 },
      size: 1e-9,
    },
  ])("is the published algorithm step by step, $what", async ({ weightDecay, options, size }) => {
    const groups = parameterGroups(shapes, { weightDecay });
    const next = createNormal(3, "adafactor");
    const fill = (count: number) => Array.from({ length: count }, () => Math.fround(next()));
    const optimizer = adafactor(options);
    const kinds = (group: ParameterGroup): StateKind[] => ["parameters", ...optimizer.moments(group)];
    const own = new Map<string, number[]>();
    for (const group of groups) {
      for (const kind of kinds(group)) {
        const count = stateLayout(kind, group).size;
        own.set(stateNames[kind](group), kind === "parameters" ? fill(count) : new Array<number>(count).fill(0));
      }
    }
    const expected = new Map(
      groups.flatMap((group) => {
        const flat = own.get(stateNames.parameters(group))!;
        return group.parameters.map(({ name, shape, offset, size: count }): [string, Expected] => [
          name,
          new Expected(shape, flat.slice(offset, offset + count), group.weightDecay),
        ]);
      }),
    );
    const program = await compileInMemory(backend, optimizer.graph(groups));

    for (let step = 1; step <= steps; step++) {
      const gradient = groups.map((group) => fill(group.size).map((value) => Math.fround(size * value)));
      const norm = Math.hypot(...gradient.flat());
      const fetched = await program.run({
        ...Object.fromEntries([...own].map(([name, flat]) => [name, float32([flat.length], flat)])),
        ...Object.fromEntries(
          groups.map((group, i) => [stateNames.gradient(group), float32([group.size], gradient[i]!)]),
        ),
        ...(options.maxGradientNorm > 0 && { gradient_norm: float32([], [norm]) }),
        ...Object.fromEntries(
          Object.entries({ learning_rate: learningRate, ...optimizer.scalars(step) }).map(([name, value]) => [
            name,
            float32([], [value]),
          ]),
        ),
      });
      for (const name of own.keys()) own.set(name, Array.from(fetched[`${name}.next`]!.data as Float32Array));

      const clip = options.maxGradientNorm > 0 ? Math.min(1, options.maxGradientNorm / (norm + 1e-6)) : 1;
      groups.forEach((group, i) => {
        const flat = own.get(stateNames.parameters(group))!;
        for (const { name, offset, size: count } of group.parameters) {
          const reference = expected.get(name)!;
          const own = gradient[i]!.slice(offset, offset + count).map((g) => g * clip);
          reference.update(own, step, options.clipThreshold);
          const errors = reference.theta.map((value, j) => Math.abs(value - flat[offset + j]!));
          expect(Math.max(...errors), `${name} after step ${step}`).toBeLessThan(1e-6);
        }
      });
    }
    await program.dispose();
    const matrices = groups[0]!;
    const rows = [...expected.values()].flatMap((reference) => [...reference.rows.values()]);
    const kept = own.get(stateNames.rowMoment(matrices))!;
    expect(Math.max(...rows.map((value, i) => Math.abs(kept[i]! / value - 1)))).toBeLessThan(1e-5);
  });

  it("leaves a parameter without a gradient where it is", async () => {
    const groups = parameterGroups(new Map([["w", [3, 4]]]), { weightDecay: 0 });
    const optimizer = adafactor(adafactorDefaults);
    const program = await compileInMemory(backend, optimizer.graph(groups));
    const vector = (count: number, value: number) => float32([count], new Array<number>(count).fill(value));
    const one = float32([], [1]);

    const fetched = await program.run({
      "parameters.matrices": vector(12, 0.5),
      "gradient.matrices": vector(12, 0),
      gradient_norm: float32([], [0]),
      "row_moment.matrices": vector(3, 0),
      "column_moment.matrices": vector(4, 0),
      ...{ learning_rate: one, kept: float32([], [0]), added: one },
    });
    await program.dispose();

    expect([...fetched["parameters.matrices.next"]!.data]).toEqual(new Array(12).fill(0.5));
  });
});

describe("optimizerStateBytes", () => {
  it("is two numbers for every element under AdamW, one for each row and column under Adafactor", () => {
    const groups = parameterGroups(shapes, { weightDecay: 0 });

    expect(optimizerStateBytes(groups, adamw(adamwDefaults))).toBe(4 * 2 * (12 + 24 + 5));
    // w: 3 + 4; kernel: 2·3 blocks of 2 rows and 2 columns; b: each element
    expect(optimizerStateBytes(groups, adafactor(adafactorDefaults))).toBe(4 * (3 + 4 + 6 * 2 + 6 * 2 + 5));
  });

  it("does not count what is frozen", () => {
    const groups = parameterGroups(shapes, { weightDecay: 0, rules: [{ pattern: "kernel", frozen: true }] });

    expect(optimizerStateBytes(groups, adamw(adamwDefaults))).toBe(4 * 2 * (12 + 5));
  });

  it("is less than a tenth for a model", () => {
    const groups = parameterGroups(fusionParameters(tinyConfig()), { weightDecay: 0 });

    const [large, small] = [adamw(adamwDefaults), adafactor(adafactorDefaults)];
    expect(optimizerStateBytes(groups, small)).toBeLessThan(0.1 * optimizerStateBytes(groups, large));
  });
});

describe("training with Adafactor", () => {
  const config = tinyConfig();
  const latents = 4;
  const parameters = randomParameters(config);
  const read = async (name: string) => parameters.get(name)!.data as Float32Array;
  const samples = mixedSamples(config);
  const batchOf = (of: readonly (typeof samples)[number][]) => trainingBatch(of, { config, latents, bucket: 8 });

  it("lowers the loss of a batch, in parts or at once alike, and keeps means of rows and columns", async () => {
    const [whole, parts] = [
      await TrainingState.create(backend, config, read, { optimizer: "adafactor" }),
      await TrainingState.create(backend, config, read, { optimizer: "adafactor" }),
    ];
    const answers: number[] = [];
    for (let i = 0; i < 6; i++) {
      answers.push((await whole.step([batchOf(samples)], latents, 5e-3)).answer);
      await parts.step([batchOf(samples.slice(0, 1)), batchOf(samples.slice(1))], latents, 5e-3);
      if (i > 0) continue;
      const [left, right] = [await whole.read(), await parts.read()];
      const name = "model.layers.0.mlp.down_proj.weight";
      expect(maxRelativeError(left.get(name)!, right.get(name)!)).toBeLessThan(1e-4);
    }
    const rows = await whole.read("rowMoment");
    const kept = await whole.read("secondMoment");
    await whole.dispose();
    await parts.dispose();

    expect(answers.at(-1)!).toBeLessThan(0.7 * answers[0]!);
    for (const [name, { shape }] of rows) expect(shape, name).toEqual(fusionParameters(config).get(name)!.slice(0, -1));
    expect([...kept.values()].every(({ shape }) => shape.length === 1)).toBe(true);
  });

  it.each([
    [{ optimizer: "adafactor", beta1: 0.9 }, "beta1: expected nothing beside the optimizer adafactor, got 0.9"],
    [{ optimizer: "sgd" as never }, "optimizer: expected adamw, muon or adafactor, got sgd"],
  ] as const)("refuses %o", async (options, message) => {
    await expect(TrainingState.create(backend, config, read, options)).rejects.toThrow(message);
  });
});
