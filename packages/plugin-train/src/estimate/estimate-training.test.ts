import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeTinyModel } from "@fusion-vlm/core/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { colourRecords, writePictures, writeRecords } from "../trainer/training-data-for-tests.ts";
import { type EstimateOptions, estimateTraining, type StageEstimate } from "./estimate-training.ts";

let place: string;
let base: EstimateOptions & { data: string[] };

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "fusion-estimate-test-"));
  await writeTinyModel(join(place, "start"));
  await writePictures(place);
  const records = colourRecords();
  const textOnly = [
    { from: "human", value: "Two and two?" },
    { from: "gpt", value: "Four." },
  ];
  const few = await writeRecords(place, records, "few.json");
  const more = await writeRecords(place, [...records, ...records, { conversations: textOnly }]);
  base = {
    ...{ model: join(place, "start"), data: [few, more], batchSize: 2, latentCounts: [4, 16], probe: false },
    ...{ worker: false, threads: 1, availableBytes: 1e12 },
  };
});

afterAll(() => rm(place, { recursive: true, force: true }));

/** The only stage of a training without stages. */
async function estimateOf(options: EstimateOptions): Promise<StageEstimate> {
  const { stages } = await estimateTraining(options);
  expect(stages).toHaveLength(1);
  return stages[0]!;
}

test("every row of every file is text, picture, latents or padding", async () => {
  const { data, steps, samples } = await estimateOf(base);

  expect(data.map((file) => [file.samples, file.pictures])).toEqual([
    [4, 4],
    [9, 4],
  ]);
  const [few] = data;
  // Two questions on each picture, latents of 4 or 16; every sample is padded to a multiple of 16 rows.
  expect(few).toMatchObject({ imageTokens: 4 * 16, latentRows: 4 * 2 * 10 });
  const rows = few!.textTokens + few!.imageTokens + few!.latentRows + few!.paddedRows;
  expect(rows % (4 * 8)).toBe(0); // the mean of two multiples of 16, four times
  expect([steps, samples]).toEqual([2 + 5, 13]);
});

test("without a probe time follows from arithmetic, and says so", async () => {
  const { time, flops, steps } = await estimateOf(base);

  expect(time!.basis).toMatchObject({ kind: "arithmetic", efficiency: expect.any(Number) });
  const { matmulFlopsPerSecond, efficiency } = time!.basis as { matmulFlopsPerSecond: number; efficiency: number };
  expect(time!.secondsPerStep).toBeCloseTo(flops.perStep / (matmulFlopsPerSecond * efficiency), 6);
  expect(time!.seconds).toBeGreaterThan(time!.secondsPerStep * steps!);
});

test("a limit in minutes ends the steps, unless others do before", async () => {
  const limited = await estimateOf({ ...base, maxMinutes: 5 });
  const both = await estimateOf({ ...base, maxMinutes: 5, maxSteps: 3 });

  expect(limited.time!.seconds).toBeGreaterThan(290);
  expect(limited.time!.seconds).toBeLessThan(310);
  expect(limited.steps! * limited.time!.secondsPerStep).toBeLessThan(300);
  expect([both.steps, both.samples]).toEqual([3, 6]);
});

test("a training that does not fit is described, has a cure and no time", async () => {
  const whole = await estimateOf({ ...base, data: [base.data[1]!], batchSize: 8 });
  const { memory, time } = await estimateOf({
    ...{ ...base, data: [base.data[1]!], batchSize: 8 },
    availableBytes: whole.memory.total - 1,
  });

  expect([memory.fits, memory.available, time]).toEqual([false, whole.memory.total - 1, null]);
  expect(memory.cure?.flags).toBe("--picture-cache 0");
  expect(await readdir(place)).toHaveLength(4);
});

test("stages are estimated one by one, each with what it holds out", async () => {
  const stages = { "1": { data: base.data }, "1.5": { data: base.data, heldout: base.data }, "2": { data: base.data } };
  const { stages: estimated, seconds } = await estimateTraining({
    ...{ ...base, data: undefined, stage: "all", stages, microBatch: 2 },
  });

  expect(estimated.map(({ stage }) => stage)).toEqual(["1", "1.5", "2"]);
  const [first, second] = estimated;
  expect(second!.memory.activations).toBeGreaterThan(first!.memory.activations);
  expect([first!.time!.evaluating, second!.time!.evaluating > 0]).toEqual([0, true]);
  expect(seconds).toBeCloseTo(
    estimated.reduce((sum, { time }) => sum + time!.seconds, 0),
    6,
  );
});
