import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadTokenizer, openModelFolder } from "@fusion-vlm/core";
import { writeTinyModel } from "@fusion-vlm/core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stepPlans } from "../batches/step-plans.ts";
import { Dataset } from "../dataset/dataset.ts";
import { SamplePlanner } from "../dataset/sample-planner.ts";
import { PictureStore } from "../pictures/picture-store.ts";
import { Phase } from "../trainer/phase.ts";
import { colourRecords, writePictures, writeRecords } from "../trainer/training-data-for-tests.ts";
import { plannedPasses, plannedWork, sizesKey, sizesOf } from "./planned-work.ts";

let place: string;

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "fusion-planned-work-"));
  await writeTinyModel(join(place, "model"));
  await writePictures(place);
  // Two lengths, so that there are two shapes and batches that are not full.
  const [one, two, ...rest] = [...colourRecords(), ...colourRecords(), ...colourRecords()];
  const long = { ...one!, conversations: [...two!.conversations, ...one!.conversations] };
  await writeRecords(place, [long, one, two, ...rest, long, long]);
});

afterAll(() => rm(place, { recursive: true, force: true }));

const options = { data: [{ file: "train.json" }], batchSize: 4, microBatch: 2, seed: 3 };

async function openPhase() {
  const { config: stored, weights } = await openModelFolder(join(place, "model"));
  await weights.close();
  const config = { ...stored, latentCounts: [4, 16] };
  const planner = new SamplePlanner(config, await loadTokenizer(join(place, "model")));
  const dataset = await Dataset.open(join(place, "train.json"), { planner, maxSkipped: 0 });
  const { mean, std, imageSize } = config.vision;
  const prepare = { cropSize: imageSize, mean, std };
  const pictures = new PictureStore({ prepare, cacheBytes: 1e6, threads: 0 });
  return { config, dataset, phase: new Phase("train.json", [dataset], { config, pictures, shapes: 2 }) };
}

test("every batch of an epoch has the sizes that were planned for its kind", async () => {
  const { config, dataset, phase } = await openPhase();
  const work = plannedWork([phase], options);
  const planned = work.kinds.flatMap((kind) => {
    const sizes = sizesOf(kind, [phase], 16, config);
    return [...new Array<string>(kind.first + kind.further).fill(sizesKey(sizes))];
  });

  const steps = stepPlans({
    ...{ classes: phase.classes, microBatch: 2, partsPerStep: 2, epochs: 1, latentCounts: [16], seed: 3 },
    stream: "phase 0",
  });
  const real: string[] = [];
  for (const step of steps) {
    for (const { batch } of (await phase.prepare(step)).parts) real.push(sizesKey(batch.sizes));
  }

  expect(phase.classes.length).toBe(2);
  expect(real.toSorted()).toEqual(planned.toSorted());
  await dataset.close();
});

test("there is a program for each Q, for first and for further parts", async () => {
  const { config, dataset, phase } = await openPhase();
  const passes = (microBatch: number) => {
    const work = plannedWork([phase], { ...options, microBatch });
    return plannedPasses(work, [phase], config).map(({ pass, latents }) => `${pass} ${latents}`);
  };

  expect(passes(4)).toEqual(["first 4", "first 16"]);
  expect(passes(2)).toEqual(["first 4", "further 4", "first 16", "further 16"]);
  await dataset.close();
});

describe("steps", () => {
  const shape = { modality: "picture", tokens: 9, questions: 1, instruction: 3, rows: () => 9 } as const;
  const answers = { mean: 2, deviation: 0, largest: 2 };
  const phase = (size: number) => {
    const members = Array.from({ length: size }, (_, index) => index);
    return { name: "x", size, classes: [{ ...shape, answers, members }] };
  };
  const steps = (given: object, sizes = [100, 300]) =>
    plannedWork(sizes.map(phase), {
      ...{ data: sizes.map((_, index) => ({ file: `${index}` })), batchSize: 10, microBatch: 10, seed: 0 },
      ...given,
    }).phases.map((each) => each.steps);

  test.each([
    ["one epoch without any limit", {}, [10, 30]],
    ["epochs for all", { epochs: 3 }, [30, 90]],
    ["epochs of each file", { data: [{ file: "a", epochs: 2 }, { file: "b" }], epochs: 1 }, [20, 30]],
    ["a limit above them", { epochs: 1, maxSteps: 100 }, [10, 30]],
    ["a limit by samples", { maxSteps: 8 }, [2, 6]],
    [
      "a limit by shares",
      {
        data: [
          { file: "a", share: 1 },
          { file: "b", share: 1 },
        ],
        maxSteps: 8,
      },
      [4, 4],
    ],
    ["no limit but time", { maxMinutes: 5 }, [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]],
  ])("%s", (_, given, expected) => {
    expect(steps(given)).toEqual(expected);
  });

  test("count parts that are not full", () => {
    expect(steps({ microBatch: 5 }, [101])).toEqual([11]);
  });
});
