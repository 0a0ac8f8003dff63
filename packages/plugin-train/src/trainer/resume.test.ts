import { mkdtemp, readdir, readFile, readlink, rename, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { FusionError } from "@fusion-vlm/core";
import { writeTinyModel } from "@fusion-vlm/core/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { TrainOptions } from "../options/train-options.ts";
import type { TrainEvent } from "./train-events.ts";
import { resumeTraining, trainModel } from "./train-model.ts";
import { colourRecords, writePictures, writeRecords } from "./training-data-for-tests.ts";

let place: string;
let base: TrainOptions & { data: string[] };

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "fusion-resume-test-"));
  await writeTinyModel(join(place, "start"));
  await writePictures(place);
  const data = [await writeRecords(place, colourRecords())];
  base = {
    ...{ model: join(place, "start"), data, batchSize: 2, latentCounts: [4, 16], seed: 5, maxSteps: 7 },
    ...{ out: join(place, "out"), worker: false, threads: 1, learningRate: 1e-3 },
  };
});

afterEach(() => rm(place, { recursive: true, force: true }));

/** Trains until an event, and is stopped there by its signal. */
async function stoppedAt(
  isTime: (event: TrainEvent) => boolean,
  options: Partial<TrainOptions> = {},
): Promise<FusionError> {
  const controller = new AbortController();
  const onEvent = (event: TrainEvent) => isTime(event) && controller.abort();
  return refusal(trainModel({ ...base, ...options, signal: controller.signal, onEvent }));
}

async function refusal(training: Promise<unknown>): Promise<FusionError> {
  const error = await training.then(
    () => new Error("it was expected to fail"),
    (thrown) => thrown,
  );
  if (!FusionError.isInstance(error)) throw error;
  return error;
}

const atStep = (step: number) => (event: TrainEvent) => event.type === "step" && event.step === step;
const here = { worker: false, threads: 1 };

async function weightsOf(out: string): Promise<Buffer> {
  return readFile(join(out, "model.safetensors"));
}

/** Steps of a log without what depends on the clock. */
async function losses(out: string): Promise<unknown[]> {
  const lines = (await readFile(join(out, "train-log.jsonl"), "utf8")).trimEnd().split("\n");
  return lines.flatMap((line) => {
    const event = JSON.parse(line) as TrainEvent;
    if (event.type !== "step") return [];
    const { step, stage, loss, gradientNorm, learningRate, latents, epoch } = event;
    return [{ step, stage, loss, gradientNorm, learningRate, latents, epoch }];
  });
}

async function leftovers(): Promise<string[]> {
  return (await readdir(place)).filter((name) => !["start", "images"].includes(name) && !/\.jsonl?$/.test(name)).sort();
}

const stages: Partial<TrainOptions> = {
  ...{ stage: "all", data: undefined, maxSteps: undefined, latentCounts: undefined },
  stages: {
    "1": { maxSteps: 3 },
    "1.5": { maxSteps: 4 },
    "2": { maxSteps: 3 },
  },
};

/** Three short stages on the same data. */
function threeStages(): Partial<TrainOptions> {
  const common = { data: base.data, batchSize: 2, learningRate: 1e-3, latentCounts: [4], epochs: 9 };
  const each = Object.entries(stages.stages!).map(([name, own]) => [name, { ...common, ...own }]);
  return { ...stages, stages: Object.fromEntries(each) };
}

describe("a training that goes on", () => {
  test.each<{ what: string; options: { -readonly [Key in keyof TrainOptions]?: TrainOptions[Key] } }>([
    { what: "AdamW", options: {} },
    { what: "Adafactor", options: { optimizer: "adafactor" } },
    { what: "Muon", options: { optimizer: "muon" } },
    {
      what: "LoRA, and a part of the model beside it",
      options: {
        lora: { rank: 2, alpha: 4, targets: "model.layers.*.weight" },
        rules: [{ pattern: "model.mm_projector.*", frozen: false }],
      },
    },
    { what: "evaluations, patience and the best weights", options: { evaluateEvery: 2, patience: 3, result: "best" } },
    { what: "LoRA", options: { lora: { rank: 2, alpha: 4, targets: "model.layers.*.weight" } } },
    { what: "a frozen tower", options: { rules: [{ pattern: "model.vision_tower.*", frozen: true }] } },
    { what: "micro-batches", options: { microBatch: 1 } },
  ])("has the bits and the log of one that was never stopped: $what", async ({ options: given }) => {
    if (given.evaluateEvery !== undefined) given.heldout = base.data;
    const options: Partial<TrainOptions> = given;
    await trainModel({ ...base, ...options, out: join(place, "whole") });
    await stoppedAt(atStep(2), options);
    await stoppedAt(atStep(5), options);
    const { resumedAt, steps } = await trainModel({ ...base, ...options });

    expect([resumedAt, steps]).toEqual([5, 7]);
    expect((await weightsOf(base.out)).equals(await weightsOf(join(place, "whole")))).toBe(true);
    expect(await losses(base.out)).toEqual(await losses(join(place, "whole")));
    expect(await leftovers()).toEqual(["out", "whole"]);
  });

  test("does so through all stages, by the folder's name alone", async () => {
    const options = threeStages();
    await trainModel({ ...base, ...options, out: join(place, "whole") });
    for (const step of [2, 3, 6, 9]) await stoppedAt(atStep(step), options);
    const { steps, stages: ended } = await resumeTraining({ out: base.out, ...here });

    expect(steps).toBe(10);
    expect(ended.map(({ stage }) => stage)).toEqual(["2"]);
    expect((await weightsOf(base.out)).equals(await weightsOf(join(place, "whole")))).toBe(true);
    expect(await losses(base.out)).toEqual(await losses(join(place, "whole")));
    expect(JSON.parse(await readFile(join(base.out, "config.json"), "utf8")).fusion_stage).toBe("2");
    expect(await leftovers()).toEqual(["out", "whole"]);
  });

  test("is refused when an option is another one, which is named with both values", async () => {
    await stoppedAt(atStep(2));
    const error = await refusal(trainModel({ ...base, learningRate: 2e-3 }));

    expect(error.code).toBe("RESUME_REFUSED");
    expect(error.message).toMatch(
      /out\.training: .*other options.*: stages\[0\]\.learningRate: 0\.001 then, 0\.002 now$/,
    );
    expect(await leftovers()).toEqual(["out.training"]);
  });

  test("is refused when a data file has changed, which is named", async () => {
    await stoppedAt(atStep(2));
    await writeRecords(place, colourRecords().slice(1));
    const error = await refusal(trainModel(base));

    expect(error.message).toMatch(/other data.*training\[0\]\.\w+: \d+ then, \d+ now/);
    await writeRecords(place, colourRecords());
    expect((await trainModel(base)).steps).toBe(7);
  });

  test("is refused when the model that it began with is another one", async () => {
    await stoppedAt(atStep(2));
    const config = join(place, "start/config.json");
    await writeFile(config, `${await readFile(config, "utf8")}\n`);

    expect((await refusal(trainModel(base))).message).toMatch(/other start.*config\.json: /);
  });

  test("is refused while another process trains there, and a lock of a process that is gone is not in the way", async () => {
    await stoppedAt(atStep(2));
    const lock = join(`${base.out}.training`, "lock");
    await writeFile(lock, JSON.stringify({ process: process.ppid, host: hostname(), token: "x" }));

    expect(await refusal(trainModel(base))).toMatchObject({
      code: "RESUME_REFUSED",
      message: expect.stringContaining(`one of process ${process.ppid} on `),
    });
    await writeFile(lock, JSON.stringify({ process: 2 ** 22 + 1, host: hostname(), token: "x" }));
    expect((await trainModel(base)).resumedAt).toBe(2);
  });

  test("begins again when it is told to", async () => {
    await stoppedAt(atStep(4), { learningRate: 5e-3 });
    const { resumedAt, steps } = await trainModel({ ...base, restart: true });

    expect([resumedAt, steps]).toEqual([0, 7]);
    expect(await leftovers()).toEqual(["out"]);
  });

  test("begins again only when the new training can: the old one stays where its data are missing", async () => {
    await stoppedAt(atStep(4));
    const error = await refusal(trainModel({ ...base, data: ["none.json"], restart: true }));

    expect(error.message).toMatch(/nothing at this path/);
    expect((await trainModel(base)).resumedAt).toBe(4);
    expect(await leftovers()).toEqual(["out"]);
  });

  test("keeps what it was told to keep, whoever goes on with it", async () => {
    await stoppedAt(atStep(4), { keepTraining: true });
    await resumeTraining({ out: base.out, ...here });

    expect(await leftovers()).toEqual(["out", "out.training"]);
    expect((await resumeTraining({ out: base.out, ...here })).stages).toEqual([]);
    expect(await leftovers()).toEqual(["out", "out.training"]);
  });

  test("without anything to go on from is refused", async () => {
    expect(await refusal(resumeTraining({ out: base.out, ...here }))).toMatchObject({
      code: "RESUME_REFUSED",
      message: expect.stringMatching(/expected a training that is under way, got none/),
    });
  });

  test("of a folder that is complete has nothing to do", async () => {
    const whole = await trainModel(base);
    const again = await trainModel(base);

    expect([again.steps, again.stages]).toEqual([whole.steps, []]);
  });

  test("gives the result its name when a process has died just before that", async () => {
    await trainModel({ ...base, keepTraining: true });
    const weights = await weightsOf(base.out);
    await rename(base.out, join(`${base.out}.training`, "result"));
    const { steps } = await resumeTraining({ out: base.out, ...here });

    expect(steps).toBe(7);
    expect((await weightsOf(base.out)).equals(weights)).toBe(true);
    expect(await leftovers()).toEqual(["out", "out.training"]); // as it was told to
  });
});

describe("checkpoints", () => {
  test("are rotated; last and best lead to one each, and the best one stays", async () => {
    const options = {
      checkpointSteps: 1,
      keepCheckpoints: 2,
      keepTraining: true,
      heldout: base.data,
      evaluateEvery: 1,
    };
    // A rate that makes the model worse at once: its first evaluation is its best.
    await trainModel({ ...base, ...options, learningRate: 3, warmupRatio: 0, maxGradientNorm: 0, spikeFactor: 0 });
    const folder = `${base.out}.training`;
    const names = (await readdir(folder)).filter((name) => name.startsWith("checkpoint-")).sort();

    expect(await readlink(join(folder, "last"))).toBe("checkpoint-00000007");
    const best = await readlink(join(folder, "best"));
    expect(names).toEqual([...new Set([best, "checkpoint-00000006", "checkpoint-00000007"])].sort());
  });

  test("of a process that was killed while it wrote one are removed", async () => {
    await stoppedAt(atStep(2));
    const folder = `${base.out}.training`;
    await rename(join(folder, "checkpoint-00000002"), join(folder, ".checkpoint-00000002.1-00000000.partial"));
    const seen: string[] = [];
    await stoppedAt((event) => {
      if (event.type === "begin") seen.push(`behind ${event.stepsBefore}`);
      return atStep(1)(event);
    });

    expect(seen).toEqual(["behind 0"]);
    expect((await readdir(folder)).filter((name) => name.endsWith(".partial"))).toEqual([]);
  });
});

describe("stages", () => {
  test("are trained in order, each from the last, and their models can be kept", async () => {
    const seen: TrainEvent[] = [];
    await trainModel({ ...base, ...threeStages(), keepTraining: true, onEvent: (event) => seen.push(event) });
    const begins = seen.flatMap((event) => (event.type === "begin" ? [event] : []));

    expect(begins.map(({ stage, stepsBefore, steps }) => [stage, stepsBefore, steps])).toEqual([
      ["1", 0, 3],
      ["1.5", 3, 4],
      ["2", 7, 3],
    ]);
    expect(begins[1]!.model).toBe(join(`${base.out}.training`, "stage-1"));
    expect(await readdir(`${base.out}.training`)).toEqual(expect.arrayContaining(["stage-1", "stage-1.5"]));
    const { options, result } = JSON.parse(await readFile(join(base.out, "training.json"), "utf8"));
    expect(options.stages.map(({ name }: { name: string }) => name)).toEqual(["1", "1.5", "2"]);
    expect(result.stages).toHaveLength(3);
  });

  test("have the paper's hyper-parameters where nothing else is said, or those of the released scripts", async () => {
    const settings: Record<string, unknown>[] = [];
    const onEvent = (event: TrainEvent) => event.type === "begin" && settings.push(event.settings);
    for (const recipe of ["paper", "released"] as const) {
      const options = {
        stage: "1.5",
        recipe,
        microBatch: 2,
        data: base.data,
        maxSteps: 1,
        out: join(place, recipe),
      } as const;
      await trainModel({ model: base.model, ...here, ...options, onEvent }).catch((error) => {
        if (!/random/.test(error.message)) throw error;
      });
    }
    // The tiny model's weights count as trained.
    expect(
      settings.map(({ learningRate, batchSize, rules, checkpointing }) => [
        learningRate,
        batchSize,
        rules,
        checkpointing,
      ]),
    ).toEqual([
      [2e-5, 128, undefined, true],
      [2e-5, 128, [expect.objectContaining({ learningRateScale: 0.1 })], true],
    ]);
  });

  test("have longest samples of their own: what is too long for stage 1 is trained on in stage 1.5", async () => {
    const [record] = colourRecords();
    const long = { ...record, conversations: [record!.conversations[0], { from: "gpt", value: "blue ".repeat(30) }] };
    const data = [await writeRecords(place, [...colourRecords(), long], "long.json")];
    const common = { ...base, data, maxSteps: 1, batchSize: 1, latentCounts: [4] };
    const samples: number[] = [];
    await trainModel({
      ...{ ...common, stage: "all", stages: { "1": { maxLength: 150 } } },
      onEvent: (event) => event.type === "begin" && samples.push(event.phases[0]!.samples),
    });

    expect(samples).toEqual([4, 5, 5]);
  });

  test("of which a later one is impossible do not begin", async () => {
    const options = threeStages();
    const later = { ...options.stages!["2"], rules: [{ pattern: "model.nothing.*", frozen: true }] };
    const error = await refusal(trainModel({ ...base, ...options, stages: { ...options.stages, "2": later } }));

    expect(error).toMatchObject({ code: "OPTION_INVALID", message: expect.stringMatching(/model\.nothing/) });
    expect(await leftovers()).toEqual([]);
    expect(await refusal(trainModel({ ...base, ...options, availableBytes: 1e6 }))).toMatchObject({
      code: "MEMORY_INSUFFICIENT",
    });
  });

  test("out of order are refused", async () => {
    const first = { ...base, stage: "1", out: join(place, "first"), maxSteps: 1 } as const;
    await trainModel(first);
    const model = first.out;

    expect((await refusal(trainModel({ ...first, model, out: base.out }))).message).toMatch(
      /^stage 1: expected a model that stage 1 is still to train, got .*first, which stage 1 has trained$/,
    );
    expect(
      (await refusal(trainModel({ ...first, model: undefined, preset: "nano", stage: "2", out: base.out }))).message,
    ).toMatch(/^stage 2: expected a model that stage 1\.5 has trained, got preset nano, whose weights are random$/);
    expect((await trainModel({ ...first, model, stage: "1.5", out: base.out })).steps).toBe(1);
  });

  test("of which a later one's data are missing do not begin", async () => {
    const options = threeStages();
    const later = { ...options.stages!["2"], data: [join(place, "none.json")] };
    const steps: TrainEvent[] = [];
    const onEvent = (event: TrainEvent) => event.type === "step" && steps.push(event);
    const error = await refusal(
      trainModel({ ...base, ...options, stages: { ...options.stages, "2": later }, onEvent }),
    );

    expect(error.message).toMatch(/none\.json: .*nothing at this path/);
    expect(steps).toEqual([]);
    expect(await leftovers()).toEqual([]);
  });
});

describe("an evaluation", () => {
  test("of the training samples of a model that has learned them finds all of them right", async () => {
    const seen: TrainEvent[] = [];
    const { stages } = await trainModel({
      ...{ ...base, latentCounts: [4], batchSize: 4, maxSteps: 40, learningRate: 1e-2 },
      ...{ heldout: base.data, evaluateEvery: 20, onEvent: (event) => seen.push(event) },
    });
    const evaluations = seen.flatMap((event) => (event.type === "evaluation" ? [event] : []));

    expect(evaluations.map(({ step, samples }) => [step, samples])).toEqual([
      [20, 4],
      [40, 4],
    ]);
    expect(stages[0]!.evaluation).toMatchObject({ exactMatch: 1, tokenAccuracy: 1, best: true });
    expect(evaluations[1]!.sources).toEqual([
      { source: base.data[0], answer: expect.closeTo(evaluations[1]!.answer, 4), answerTokens: expect.any(Number) },
    ]);
  });

  test("that does not become better ends the stage early; its best weights can be what is written", async () => {
    const options = {
      heldout: base.data,
      evaluateEvery: 1,
      patience: 2,
      maxSteps: 50,
      result: "best",
      keepTraining: true,
    } as const;
    const seen: TrainEvent[] = [];
    const { steps, stages } = await trainModel({
      ...{ ...base, ...options, learningRate: 3, warmupRatio: 0, maxGradientNorm: 0, spikeFactor: 0 },
      onEvent: (event) => seen.push(event),
    });
    const best = seen.flatMap((event) => (event.type === "evaluation" && event.best ? [event.step] : [])).at(-1)!;

    expect(stages[0]!.stoppedEarly).toBe(true);
    expect(steps).toBe(best + 2);
    const kept = await weightsOf(join(`${base.out}.training`, "best"));
    expect((await weightsOf(base.out)).equals(kept)).toBe(true);
  });
});

describe("a batch that would spoil the model", () => {
  const wild = { learningRate: 1e30, warmupRatio: 0, maxGradientNorm: 0 };

  test("ends the training; the samples of the batch and the parameters before it are kept", async () => {
    const error = await refusal(trainModel({ ...base, ...wild }));
    const folder = `${base.out}.training`;
    const file = (await readdir(folder)).find((name) => name.startsWith("diverged-"))!;
    const { samples, reason, step } = JSON.parse(await readFile(join(folder, file), "utf8"));

    expect(error).toMatchObject({ code: "TRAINING_DIVERGED", message: expect.stringContaining(join(folder, file)) });
    expect(reason).toMatch(/ is (NaN|Infinity)$/);
    expect(samples).toEqual([expect.stringMatching(/train\.json: record \d/), expect.stringMatching(/record \d/)]);
    expect(await readlink(join(folder, "last"))).toBe(`checkpoint-${String(step - 1).padStart(8, "0")}`);
  });

  test("at the very first step is kept too", async () => {
    const weights = join(base.model!, "model.safetensors");
    const bytes = await readFile(weights);
    await writeFile(weights, bytes.fill(0xff, bytes.length - 4)); // a NaN at the end
    const error = await refusal(trainModel(base));
    const folder = `${base.out}.training`;

    expect(error.message).toContain(join(folder, "diverged-00000001.json"));
    expect(await readdir(folder)).toEqual(expect.arrayContaining(["training.json", "diverged-00000001.json"]));
  });

  test("is left out by policy, up to ten in a row", async () => {
    const seen: TrainEvent[] = [];
    const onEvent = (event: TrainEvent) => event.type === "skipped-step" && seen.push(event);
    const error = await refusal(trainModel({ ...base, ...wild, maxSteps: 30, onDivergence: "skip", onEvent }));

    expect(error.message).toMatch(/10 batches in a row/);
    expect(seen).toHaveLength(9);
    expect(seen[0]).toMatchObject({ type: "skipped-step", batch: [expect.any(String), expect.any(String)] });
  });
});
