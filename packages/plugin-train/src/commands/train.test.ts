import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeTinyModel } from "@fusion-vlm/core/testing";
import { Config } from "@oclif/core";
import { captureOutput } from "@oclif/test";
import { afterAll, beforeAll, expect, test } from "vitest";
import { colourRecords, writePictures, writeRecords } from "../trainer/training-data-for-tests.ts";
import { Train } from "./train.ts";

let place: string;
let config: Config;

beforeAll(async () => {
  // A package without commands: this one's own would be those of its last build.
  config = await Config.load({ root: fileURLToPath(new URL("../../../plugin-kit/", import.meta.url)) });
  place = await mkdtemp(join(tmpdir(), "fusion-train-command-"));
  await writeTinyModel(join(place, "start"));
  await writePictures(place);
  await writeRecords(place, colourRecords());
});

afterAll(() => rm(place, { recursive: true, force: true }));

async function train(...argv: string[]) {
  const common = ["--data", join(place, "train.json"), "--model", join(place, "start"), "--threads", "1"];
  const { stdout, stderr, error } = await captureOutput(() => Train.run([...common, ...argv], config));
  return { stdout, stderr, exitCode: (error as { oclif?: { exit?: number } } | undefined)?.oclif?.exit ?? 0 };
}

test("trains, and says what came of it", async () => {
  const out = join(place, "out");

  const { stdout, stderr, exitCode } = await train("--out", out, "--max-steps", "2", "--batch-size", "2");

  expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/out: trained\nsteps +2\nsamples +4\n/)]);
  expect(stderr).toMatch(/train\.json: 4 samples, 4 pictures\n.*2 steps of 2 samples, learning rate 0\.00002/s);
  expect(await readdir(out)).toContain("model.safetensors");
});

test("prints one document with --json, and nothing else", async () => {
  const { stdout, stderr } = await train("--out", join(place, "json"), "--max-steps", "1", "--latents", "4", "--json");

  expect(JSON.parse(stdout)).toMatchObject({
    ...{ steps: 1, resumedAt: 0, stages: [{ stage: null, steps: 1, last: { type: "step", latents: 4 } }] },
  });
  expect(stderr).toBe("");
});

test("names file and record of bad data, and exits with 1", async () => {
  await writeFile(join(place, "bad.jsonl"), '{"conversations": []}\n');

  const { stderr, exitCode } = await train("--data", join(place, "bad.jsonl"), "--out", join(place, "bad"));

  expect([exitCode, stderr]).toEqual([
    1,
    expect.stringMatching(/bad\.jsonl: .* line 1 \(conversations: expected a list.*\nCode: DATASET_INVALID\n/),
  ]);
  expect(await readdir(place)).not.toContain("bad");
});

test.each([
  [["--latents", "4,5"], /^Error: --latents: expected squares such as 4, 16, 64, got 5\nCode: USAGE$/m],
  [["--latents", "4,x"], /--latents: expected squares such as 4, 16, 64, got NaN/],
  [["--batch-size", "4", "--micro-batch", "3"], /--micro-batch: expected a divisor of the batch size 4, got 3/],
  [["--learning-rate", "0"], /--learning-rate: expected a number above 0, got 0/],
  [["--share", "0"], /--share of .*train\.json: expected a number above 0, got 0/],
  [["--epochs", "0"], /--epochs: Expected an integer greater than or equal to 1 but received: 0/],
])("speaks of the flag that is wrong, and exits with 2: %j", async (argv, message) => {
  const { stderr, exitCode } = await train("--out", join(place, "x"), ...argv);

  expect([exitCode, stderr]).toEqual([2, expect.stringMatching(message)]);
  expect(await readdir(place)).not.toContain("x");
});

test("counts flags that belong to files", async () => {
  const { stderr, exitCode } = await train("--out", join(place, "x"), "--epochs", "1", "--epochs", "2");

  expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/--epochs: expected one, or one for each of 1 data/)]);
});
