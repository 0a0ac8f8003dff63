import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FusionError, loadFusion, openModelFolder, quantizationNamed, quantizeModel } from "@fusion-vlm/core";
import { writeTinyModel } from "@fusion-vlm/core/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { TrainOptions } from "../options/train-options.ts";
import type { StepEvent, TrainEvent } from "./train-events.ts";
import { trainModel } from "./train-model.ts";
import { colourRecords, colours, writePictures, writeRecords } from "./training-data-for-tests.ts";

let place: string;
let base: TrainOptions & { data: string[] };

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "fusion-train-test-"));
  await writeTinyModel(join(place, "start"));
  await writePictures(place);
  const data = await writeRecords(place, colourRecords());
  base = {
    ...{ model: join(place, "start"), data: [data], out: join(place, "out"), batchSize: 4, latentCounts: [4] },
    ...{ worker: false, threads: 1 },
  };
});

afterEach(() => rm(place, { recursive: true, force: true }));

/** Trains, and returns its steps. */
async function steps(options: Partial<TrainOptions>): Promise<StepEvent[]> {
  const seen: StepEvent[] = [];
  const onEvent = (event: TrainEvent) => event.type === "step" && seen.push(event);
  await trainModel({ ...base, ...options, onEvent });
  return seen;
}

async function failure(options: Partial<TrainOptions>): Promise<FusionError> {
  const error = await trainModel({ ...base, ...options }).catch((thrown) => thrown);
  if (!FusionError.isInstance(error)) throw new Error(`expected a FusionError, got ${String(error?.stack ?? error)}`);
  return error;
}

/** What is in the folder besides what was put there. */
async function leftovers(): Promise<string[]> {
  return (await readdir(place)).filter((name) => !["start", "images"].includes(name) && !/\.jsonl?$/.test(name));
}

/** Names of the weights that a training has changed. */
async function changedBy(options: Partial<TrainOptions>): Promise<string[]> {
  await steps({ maxSteps: 3, warmupRatio: 0, learningRate: 1e-2, ...options });
  const [before, after] = await Promise.all([base.model!, base.out].map(openModelFolder));
  const changed: string[] = [];
  for (const name of before!.weights.entries.keys()) {
    const [was, is] = await Promise.all([before!.weights.read(name), after!.weights.read(name)]);
    if (!is.data.every((value, i) => value === was.data[i])) changed.push(name);
  }
  await Promise.all([before!.weights.close(), after!.weights.close()]);
  return changed;
}

test("a frozen part is written as it was, under either optimizer", async () => {
  for (const optimizer of ["adamw", "adafactor"] as const) {
    const changed = await changedBy({ optimizer, rules: [{ pattern: "model.vision_tower.*", frozen: true }] });

    expect(changed.filter((name) => name.startsWith("model.vision_tower."))).toEqual([]);
    expect(changed.filter((name) => name.startsWith("model.layers.")).length).toBeGreaterThan(5);
    await rm(base.out, { recursive: true });
  }
});

test("adapters are merged into the weights that they are for, and nothing else changes", async () => {
  const changed = await changedBy({ lora: { rank: 2, alpha: 4, targets: "model.layers.*.weight" } });

  expect(changed.length).toBeGreaterThan(3);
  expect(changed.filter((name) => !/^model\.layers\.\d+\.(self_attn|mlp)\./.test(name))).toEqual([]);
});

test("a tiny model learns four pictures by heart, and answers from its folder", async () => {
  const losses = (await steps({ maxSteps: 40, learningRate: 1e-2 })).map(({ loss }) => loss);
  const model = await loadFusion(base.out, { worker: false, threads: 1 });

  expect(losses[0]).toBeGreaterThan(3);
  expect(losses.at(-1)).toBeLessThan(0.15);
  for (const name of Object.keys(colours)) {
    const chat = model.chat({ image: join(place, `images/${name}.png`) });
    expect((await chat.send("What is it?", { maxTokens: 8 })).text).toBe(name);
    expect((await chat.send("First letter?", { maxTokens: 8 })).text).toBe(name[0]);
  }
  expect(model.info.untrained).toBe(false);
  expect(await leftovers()).toEqual(["out"]);
  await model.dispose();
});

describe("the same seed", () => {
  const options = { batchSize: 2, maxSteps: 6, latentCounts: [4, 16] };

  /** What does not depend on the clock in the steps of train-log.jsonl, and the weights. */
  async function run(out: string, changed: Partial<TrainOptions>) {
    await trainModel({ ...base, ...options, ...changed, out: join(place, out) });
    const lines = (await readFile(join(place, out, "train-log.jsonl"), "utf8")).trimEnd().split("\n");
    const steps = lines.map((line) => JSON.parse(line) as TrainEvent).filter((event) => event.type === "step");
    return {
      losses: steps.map(({ loss, answer, visionToText, textToVision, gradientNorm, latents }) => {
        return [loss, answer, visionToText, textToVision, gradientNorm, latents];
      }),
      weights: await readFile(join(place, out, "model.safetensors")),
    };
  }

  test("gives the same losses, bit by bit, and the same bytes; another one gives others", async () => {
    const [first, second, other] = [
      await run("a", { seed: 5 }),
      await run("b", { seed: 5 }),
      await run("c", { seed: 6 }),
    ];

    expect(first.losses).toHaveLength(6);
    expect(second.losses).toEqual(first.losses);
    expect(second.weights.equals(first.weights)).toBe(true);
    expect(other.losses).not.toEqual(first.losses);
  });

  test("gives them also where engine and pictures have threads of their own, and no picture is kept", async () => {
    const alone = await run("a", { seed: 5 });
    const threads = await run("b", { seed: 5, worker: true, pictureCacheBytes: 0 });

    expect(threads.losses).toEqual(alone.losses);
    expect(threads.weights.equals(alone.weights)).toBe(true);
  });
});

test("a quantised model is refused, with the way out", async () => {
  const model = join(place, "quantised");
  await quantizeModel({ model: base.model!, folder: model, quantization: quantizationNamed("int8") });

  await expect(trainModel({ ...base, model })).rejects.toMatchObject({
    code: "WEIGHTS_INVALID",
    hint: "Train the model that this one was quantised from.",
  });
});

test("window and semantics that a training changes are those of the model that it writes", async () => {
  const before = await steps({ maxSteps: 1, out: join(place, "a") });
  const changed = await steps({ maxSteps: 1, window: 1, semantics: "released" });

  expect(changed[0]!.loss).not.toBe(before[0]!.loss);
  const keys = async (folder: string) => {
    const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8"));
    return [config.window_size, config.fusion_semantics];
  };
  expect(await keys(base.out)).toEqual([1, "released"]);
  expect(await keys(join(place, "a"))).toEqual(await keys(base.model!));
});

test("parts of a batch give the losses of the whole", async () => {
  const [whole] = await steps({ maxSteps: 1, out: join(place, "a") });
  const [parts] = await steps({ maxSteps: 1, out: join(place, "b"), microBatch: 2 });

  expect(parts!.samples).toBe(4);
  for (const key of ["loss", "answer", "visionToText", "textToVision", "gradientNorm"] as const) {
    expect(parts![key]).toBeCloseTo(whole![key], 4);
  }
});

test("files are trained on one after the other, epoch by epoch, and the log tells the same", async () => {
  const text = [
    {
      conversations: [
        { from: "human", value: "Two and two?" },
        { from: "gpt", value: "4" },
      ],
    },
  ];
  const words = await writeRecords(place, text, "words.json");
  const lines = join(place, "train.jsonl");
  await writeFile(
    lines,
    colourRecords()
      .map((record) => JSON.stringify(record))
      .join("\n"),
  );

  const data = [
    { file: words, epochs: 1 },
    { file: lines, epochs: 2 },
  ];
  const seen = await steps({ data, batchSize: 3, dtype: "float16", mappingWeight: 0.5 });

  const inFile = (file: string, epoch: number, samples: number) => ({ phase: file, epoch, samples });
  expect(seen.map(({ phase, epoch, samples }) => ({ phase, epoch, samples }))[0]).toEqual(inFile(words, 0, 1));
  for (const epoch of [0, 1]) {
    const own = seen.filter((step) => step.phase === lines && step.epoch === epoch);
    expect(own.map(({ samples }) => samples).toSorted()).toEqual([1, 3]);
  }
  expect(seen.at(-1)!.progress).toBe(1);
  const log = (await readFile(join(base.out, "train-log.jsonl"), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(log.map(({ type }) => type)).toEqual(["data", "data", "begin", ...seen.map(() => "step"), "saving", "end"]);
  expect(log.filter(({ type }) => type === "step")).toEqual(seen);
  expect(JSON.parse(await readFile(join(base.out, "config.json"), "utf8"))).toMatchObject({
    ...{ torch_dtype: "float16", fusion_mapping_weight: 0.5, query_len: "4" },
  });
});

test("a mixing file is one phase, each of its files with a loss of its own", async () => {
  const words = { conversations: colourRecords()[0]!.conversations.slice(2) };
  await writeRecords(place, [words, words, words], "words.json");
  const mix = join(place, "mix.yaml");
  await writeFile(mix, "datasets: [{ json_path: train.json }, { json_path: words.json, sampling_strategy: first:2 }]");

  const seen = await steps({ data: [mix], batchSize: 8, microBatch: 4 });

  expect(seen.map(({ phase, samples }) => [phase, samples])).toEqual([[mix, 6]]);
  expect(seen[0]!.sources.map(({ source }) => source)).toEqual([base.data[0], join(place, "words.json")]);
});

test("a picture that cannot be decoded costs its sample, which is named", async () => {
  await writeFile(join(place, "images/red.png"), "no picture");
  const seen: number[] = [];

  const { skipped, warnings } = await trainModel({
    ...base,
    epochs: 2,
    onEvent: (event) => event.type === "step" && seen.push(event.samples),
  });

  expect([seen, skipped]).toEqual([[3, 3], 1]);
  expect(warnings).toEqual([expect.stringMatching(/train\.json: record 1 is left out: image: .*red\.png/)]);
});

test("ends by the clock", async () => {
  const seen = await steps({ maxMinutes: 0.05, learningRate: 1e-3 });

  // How many steps fit depends on the machine; how the rate follows the clock is in pace.test.ts.
  expect(seen.length).toBeGreaterThan(0);
  // The clock may run out between the last step and the line that tells of it.
  expect(seen.at(-1)!.progress).toBeGreaterThan(0.9);
});

describe("an abort", () => {
  /** Aborts when an event comes. */
  function abortAt(isTime: (event: TrainEvent) => boolean) {
    const controller = new AbortController();
    return { signal: controller.signal, onEvent: (event: TrainEvent) => isTime(event) && controller.abort() };
  }

  test.each(["reading", "data", "begin"])("at %s, before the first step, leaves nothing behind", async (type) => {
    const error = await failure({ maxSteps: 2, ...abortAt((event) => event.type === type) });

    expect(error).toMatchObject({ code: "ABORTED", message: expect.stringMatching(/nothing was written$/) });
    expect(await leftovers()).toEqual([]);
  });

  test("behind a step keeps what was learned, as a model folder too", async () => {
    const error = await failure({ maxSteps: 2, ...abortAt((event) => event.type === "step") });

    expect(error.message).toMatch(/after [12] steps, which are saved in .*out\.training/);
    expect(error.hint).toMatch(/fusion train resume/);
    const model = await loadFusion(join(`${base.out}.training`, "last"), { worker: false, threads: 1 });
    expect(model.info.untrained).toBe(false);
    await model.dispose();
    expect(await leftovers()).toEqual(["out.training"]);
  });

  test("while the model is written comes too late", async () => {
    await trainModel({ ...base, maxSteps: 2, ...abortAt((event) => event.type === "saving") });

    expect(await leftovers()).toEqual(["out"]);
  });
});

describe("is refused, and leaves nothing behind", () => {
  const [record] = colourRecords();
  const cases: [what: string, records: unknown, message: RegExp][] = [
    ["an empty dataset", [], /train\.json: expected at least one sample, got an empty list/],
    ["a missing picture", [record, { ...record, image: "images/none.png" }], /record 2, image: .*nothing at this path/],
    ["a picture outside", [{ ...record, image: "../start/config.json" }], /record 1, image: expected a path inside/],
    [
      "an absolute path",
      [{ ...record, image: "/etc/hostname" }],
      /image: expected a path inside .*got \/etc\/hostname/,
    ],
    ["a conversation in disorder", [{ conversations: record!.conversations.slice(1) }], /record 1, conversations\[0\]/],
  ];

  test.each(cases)("%s", async (_what, records, message) => {
    await writeRecords(place, records);

    expect((await failure({ maxSkipped: 0 })).message).toMatch(message);
    expect(await leftovers()).toEqual([]);
  });

  test("a data file that is not there", async () => {
    const message = expect.stringMatching(/none\.json: .*nothing at this path/);
    expect(await failure({ data: ["none.json"] })).toMatchObject({ code: "DATASET_INVALID", message });
    expect(await leftovers()).toEqual([]);
  });

  test("an output folder without a name, before anything is read", async () => {
    expect(await failure({ out: "", data: ["none.json"] })).toMatchObject({ code: "WRITE_FAILED", at: '""' });
  });

  test("JSON that ends in the middle, by the number of its record", async () => {
    await writeFile(base.data[0]!, JSON.stringify(colourRecords()).slice(0, 400));

    expect((await failure({})).message).toMatch(/train\.json: record 2: expected its closing \}/);
    expect(await leftovers()).toEqual([]);
  });

  test("a picture that cannot be decoded, by the record that names it", async () => {
    await writeFile(join(place, "images/red.png"), "no picture");

    const message = expect.stringMatching(/record 1, image: .*red\.png/);
    expect(await failure({ maxSkipped: 0 })).toMatchObject({ code: "DATASET_INVALID", message });
    expect(await leftovers()).toEqual([]);
  });

  test("a sample that is too long where none may be left out; else it is left out and named", async () => {
    const long = { ...record, conversations: [record!.conversations[0], { from: "gpt", value: "blue ".repeat(200) }] };
    await writeRecords(place, [...colourRecords(), { ...long, id: "long" }]);

    expect((await failure({ maxSkipped: 0 })).message).toMatch(/train\.json: record 5: \d+ tokens, the context/);
    const events: TrainEvent[] = [];
    const { skipped } = await trainModel({ ...base, maxSteps: 1, onEvent: (event) => events.push(event) });
    expect(skipped).toBe(1);
    expect(events.find(({ type }) => type === "data")).toMatchObject({
      samples: 4,
      skipped: [{ record: 5, id: "long", reason: expect.stringMatching(/the context holds 256/) }],
    });
  });

  test("a folder with something in it, before anything is read", async () => {
    await mkdir(base.out);
    await writeFile(join(base.out, "thesis.txt"), "mine");

    expect(await failure({ data: ["none.json"] })).toMatchObject({ code: "WRITE_FAILED" });
    expect(await readdir(base.out)).toEqual(["thesis.txt"]);
  });

  test.each([
    ["no data", { data: [] }, /^data: expected at least one/],
    ["a micro-batch that does not divide", { batchSize: 4, microBatch: 3 }, /^microBatch: expected a divisor/],
    ["a Q that is no square", { latentCounts: [4, 5] }, /^latentCounts: expected squares/],
    ["a learning rate of 0", { learningRate: 0 }, /^learningRate/],
    ["shares of some files", { data: [{ file: "a", share: 1 }, "b"] }, /^share: .*got 1 of 2/],
  ])("%s", async (_what, options, message) => {
    expect(await failure(options)).toMatchObject({ code: "OPTION_INVALID", message: expect.stringMatching(message) });
    expect(await leftovers()).toEqual([]);
  });
});
