import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FusionConfig } from "@fusion-vlm/core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { stepPlans } from "../batches/step-plans.ts";
import { Dataset } from "../dataset/dataset.ts";
import { tinyPlanner } from "../dataset/planner-for-tests.ts";
import type { SamplePlanner } from "../dataset/sample-planner.ts";
import { PictureStore } from "../pictures/picture-store.ts";
import { Phase, type PreparedStep } from "./phase.ts";
import { colourRecords, writePictures, writeRecords } from "./training-data-for-tests.ts";

let root: string;
let place: string;
let config: FusionConfig;
let planner: SamplePlanner;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "fusion-phase-"));
  ({ config, planner } = await tinyPlanner(root));
});

afterAll(() => rm(root, { recursive: true, force: true }));

beforeEach(async () => {
  place = await mkdtemp(join(root, "place-"));
  await writePictures(place);
});

interface Preparation {
  readonly records: unknown;
  readonly microBatch: number;
  readonly partsPerStep: number;
  readonly epochs?: number;
  readonly maxSkipped?: number;
}

/** Prepares all steps side by side. */
async function prepareAll({ records, microBatch, partsPerStep, epochs = 1, maxSkipped = 10 }: Preparation) {
  const file = await writeRecords(place, records);
  const dataset = await Dataset.open(file, { planner, maxSkipped, name: "colours" });
  const { mean, std, imageSize } = config.vision;
  const pictures = new PictureStore({ prepare: { cropSize: imageSize, mean, std }, cacheBytes: 0, threads: 0 });
  const skipped: string[] = [];
  const phase = new Phase("colours", [dataset], {
    ...{ config, pictures, shapes: 2 },
    onSkipped: ({ name, reason }) => void skipped.push(`${name.slice(place.length + 1)}: ${reason.split(":", 1)[0]}`),
  });
  const plans = stepPlans({
    ...{ classes: phase.classes, microBatch, partsPerStep, epochs, latentCounts: [4], seed: 1, stream: "test" },
  });
  try {
    const settled = await Promise.allSettled([...plans].map((plan) => phase.prepare(plan)));
    const failed = settled.find(({ status }) => status === "rejected") as PromiseRejectedResult | undefined;
    if (failed) throw failed.reason;
    const steps = settled.map((step) => (step as PromiseFulfilledResult<PreparedStep>).value);
    return { steps, skipped, dataset };
  } finally {
    await dataset.close();
    await pictures.dispose();
  }
}

/** Records of each part of each step. */
function recordsOf(steps: readonly PreparedStep[]): number[][][] {
  return steps.map(({ parts }) => parts.map(({ names }) => names.map((name) => Number(name.split(" ").at(-1)))));
}

const breakPicture = (name: string) => writeFile(join(place, `images/${name}.png`), "no picture");

describe("a picture that cannot be decoded", () => {
  const common = { records: colourRecords(), microBatch: 4, partsPerStep: 1 };

  test("makes its batch smaller by one, and is told once", async () => {
    await breakPicture("green");

    const { steps, skipped, dataset } = await prepareAll({ ...common, epochs: 3 });

    expect(recordsOf(steps).map(([part]) => part!.toSorted())).toEqual(new Array(3).fill([1, 3, 4]));
    expect(skipped).toEqual(["train.json: record 2: image"]);
    expect(dataset.skipped).toMatchObject([{ record: 2, reason: expect.stringMatching(/^image: .*green\.png/) }]);
    const [{ batch, sources }] = steps[0]!.parts as [PreparedStep["parts"][0]];
    expect([batch.samples, batch.sizes.B, sources]).toEqual([3, 3, ["colours", "colours", "colours"]]);
  });

  test("takes its micro-batch with it where it was alone; a step may have none", async () => {
    await breakPicture("green");
    await breakPicture("white");

    const pairs = await prepareAll({ ...common, microBatch: 1, partsPerStep: 2 });
    const single = await prepareAll({ ...common, microBatch: 1 });

    expect(recordsOf(pairs.steps).flat(2).toSorted()).toEqual([1, 3]);
    expect(single.steps.map(({ parts }) => parts.length).toSorted()).toEqual([0, 0, 1, 1]);
    expect(single.steps.every(({ plan }) => plan.parts.length === 1)).toBe(true);
  });

  test("is told in the order of the steps, the same every time", async () => {
    const records = [...colourRecords(), ...colourRecords(), ...colourRecords()];
    for (const name of ["red", "green", "blue"]) await breakPicture(name);

    const [first, second] = [
      await prepareAll({ records, microBatch: 2, partsPerStep: 1 }),
      await prepareAll({ records, microBatch: 2, partsPerStep: 1 }),
    ];

    expect(first.skipped).toHaveLength(9);
    expect(second.skipped).toEqual(first.skipped);
    expect(recordsOf(second.steps)).toEqual(recordsOf(first.steps));
    const planned = first.steps.flatMap(({ plan }) => plan.parts.flatMap(({ members }) => members));
    const told = first.skipped.map((line) => Number(/record (\d+)/.exec(line)![1]) - 1);
    expect(told).toEqual(planned.filter((index) => told.includes(index)));
  });

  test("counts with what was left out before: one too many ends it", async () => {
    await breakPicture("green");
    const records = [{ conversations: [] }, ...colourRecords()];

    await expect(prepareAll({ ...common, records, maxSkipped: 1 })).rejects.toMatchObject({
      code: "DATASET_INVALID",
      message: expect.stringMatching(
        /at most 1 records? .*got more: record 1 \(conv.*\), record 3 \(image: .*green\.png/,
      ),
    });
    await expect(prepareAll({ ...common, maxSkipped: 0 })).rejects.toThrow(/record 2, image: .*green\.png/);
  });

  test("is refused where no other is left", async () => {
    for (const name of ["red", "green", "blue", "white"]) await breakPicture(name);

    await expect(prepareAll({ ...common, epochs: 5 })).rejects.toThrow(
      /^colours: expected a sample whose picture can be/,
    );
  });
});

test("a micro-batch has text-only samples or pictures; a zero picture runs with text-only ones", async () => {
  const texts = colourRecords().map(({ conversations }) => ({ conversations: conversations.slice(2) }));

  const { steps } = await prepareAll({ records: [...texts, ...colourRecords()], microBatch: 3, partsPerStep: 2 });

  const parts = steps.flatMap((step) =>
    step.parts.map((part, index) => ({ ...part, shape: step.plan.parts[index]!.shape })),
  );
  expect(parts.map(({ names }) => names.length).toSorted()).toEqual([1, 1, 3, 3]);
  for (const { names, batch, shape } of parts) {
    const isText = names.map((name) => Number(name.split(" ").at(-1)) <= 4);
    const pixels = batch.feeds.pixel_values!;
    expect(new Set(isText)).toEqual(new Set([shape.modality === "text"]));
    expect(pixels.shape[0]).toBe(names.length);
    expect((pixels.data as Float32Array).every((value) => value === 0)).toBe(shape.modality === "text");
  }
});
