import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Config } from "@oclif/core";
import { captureOutput } from "@oclif/test";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMMANDS } from "../src/index.ts";

let root: string;
let config: Config;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "fusion-data-"));
  config = await Config.load({ root: fileURLToPath(new URL("../../plugin-kit/", import.meta.url)) });
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

async function synth(...argv: string[]) {
  const { stdout, stderr, error } = await captureOutput(() => COMMANDS["data:synth"].run(argv, config));
  return { stdout, stderr, exitCode: (error as { oclif?: { exit?: number } } | undefined)?.oclif?.exit ?? 0 };
}

describe("fusion data synth", () => {
  test("writes a dataset and tells what is in it", async () => {
    const out = join(root, "one");
    const { stdout, stderr, exitCode } = await synth("--out", out, "--count", "12", "--seed", "1", "--size", "64");

    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    expect(stdout).toMatch(/training +12 pictures, \d+ questions, 12 captions/);
    expect(stdout).toMatch(/held out +1 pictures/);
    expect((await readdir(out)).sort()).toEqual(
      ["README.md", "captions.json", "dataset.json", "heldout.json", "images", "scenes.jsonl", "train.json"].sort(),
    );
  });

  test("prints its card as one document with --json", async () => {
    const out = join(root, "two");
    const { stdout, stderr } = await synth("-o", out, "-n", "3", "--heldout", "2", "--questions", "2", "--json");

    expect(JSON.parse(stdout)).toMatchObject({
      folder: out,
      card: { recipe: { count: 3, heldout: 2, seed: 0, size: 128, questions: 2 }, pictures: { train: 3, heldout: 2 } },
    });
    expect(stderr).toBe("");
  });

  test.each([
    [["--count", "3"], "out"],
    [["--out", "x"], "count"],
    [["--out", "x", "--count", "0"], "count"],
    [["--out", "x", "--count", "3", "--size", "4"], "size"],
  ])("is a usage error with %j", async (argv, named) => {
    const { stderr, exitCode } = await synth(...argv);

    expect(exitCode).toBe(2);
    expect(stderr).toContain(named);
  });

  test("says what is wrong with a folder that is in use", async () => {
    const { stderr, exitCode } = await synth("--out", join(root, "one"), "--count", "3");

    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/Code: WRITE_FAILED\nTry this: Give another folder/);
  });
});
