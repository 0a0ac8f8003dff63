import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeTinyModel } from "@fusion-vlm/core/testing";
import { Config } from "@oclif/core";
import { captureOutput } from "@oclif/test";
import { afterAll, beforeAll, expect, test } from "vitest";
import { colourRecords, writePictures, writeRecords } from "../trainer/training-data-for-tests.ts";
import { TrainEstimate } from "./estimate.ts";

let place: string;
let config: Config;

beforeAll(async () => {
  // A package without commands: this one's own would be those of its last build.
  config = await Config.load({ root: fileURLToPath(new URL("../../../plugin-kit/", import.meta.url)) });
  place = await mkdtemp(join(tmpdir(), "fusion-estimate-command-"));
  await writeTinyModel(join(place, "start"));
  await writePictures(place);
  await writeRecords(place, colourRecords());
});

afterAll(() => rm(place, { recursive: true, force: true }));

async function estimate(...argv: string[]) {
  const common = ["--data", join(place, "train.json"), "--model", join(place, "start"), "--threads", "1"];
  const { stdout, stderr, error } = await captureOutput(() => TrainEstimate.run([...common, ...argv], config));
  return { stdout, stderr, exitCode: (error as { oclif?: { exit?: number } } | undefined)?.oclif?.exit ?? 0 };
}

test("prints one document with --json, and writes nothing", async () => {
  const before = await readdir(place);

  const { stdout, stderr } = await estimate("--latents", "4", "--batch-size", "2", "--epochs", "3", "--json");

  const document = JSON.parse(stdout);
  expect(Object.keys(document)).toEqual(["model", "stages", "fits", "seconds"]);
  const [stage] = document.stages;
  expect(Object.keys(stage)).toEqual([
    ...["stage", "parameters", "data", "steps", "samples", "flops", "memory", "time"],
  ]);
  expect(stage).toMatchObject({
    stage: null,
    data: [{ samples: 4, skipped: 0, pictures: 4 }],
    ...{ steps: 6, samples: 12 },
    memory: { fits: true, cure: null },
    time: { basis: { kind: "probe" } },
  });
  expect(stage.flops.total).toBeCloseTo(6 * stage.flops.perStep, 3);
  expect(stage.memory.total).toBeGreaterThan(stage.memory.activations);
  expect(document.seconds).toBeGreaterThan(0);
  expect([stderr, await readdir(place)]).toEqual(["", before]);
});

test("prints tables for people", async () => {
  const { stdout, exitCode } = await estimate("--latents", "4", "--batch-size", "2");

  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/start: fits into memory\n\nparameters +\d/);
  expect(stdout).toMatch(/^data +samples +left out +pictures +text tokens +image tokens +latent rows +padded rows$/m);
  expect(stdout).toMatch(/^activations +[\d.]+ [KM]iB$/m);
  expect(stdout).toMatch(/^ {2}by +\d+ real steps, run just now in 0:\d\d$/m);
});

test("speaks of the flag that is wrong, and exits with 2", async () => {
  const { stderr, exitCode } = await estimate("--batch-size", "4", "--micro-batch", "3");

  expect([exitCode, stderr]).toEqual([
    2,
    expect.stringMatching(/--micro-batch: expected a divisor of the batch size 4/),
  ]);
});

test("exits with 1 where it cannot fit, and says what would", async () => {
  const { stdout: json, exitCode } = await estimate("--latents", "4", "--memory", "100", "--json");
  const { stdout, stderr } = await estimate("--latents", "4", "--memory", "100");

  expect(exitCode).toBe(1);
  expect(JSON.parse(json).error).toMatchObject({
    code: "MEMORY_INSUFFICIENT",
    details: { memory: { total: expect.any(Number) }, available: 100e6, cure: null },
  });
  expect(stdout).toMatch(/start: does not fit into memory\n.*\ntime: none, as it does not fit\n$/s);
  expect(stderr).toMatch(/expected [\d.]+ MiB of available memory, got 95\.4 MiB\nCode: MEMORY_INSUFFICIENT\n/);
});
