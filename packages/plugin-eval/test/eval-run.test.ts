import { fileURLToPath } from "node:url";
import { writeTinyModel } from "@fusion-vlm/core/testing";
import { Config } from "@oclif/core";
import { captureOutput } from "@oclif/test";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMMANDS } from "../src/index.ts";
import { HeldoutFolder, heldoutRecord } from "../src/services/heldout-for-tests.ts";

let folder: HeldoutFolder;
let config: Config;
beforeAll(async () => {
  folder = await HeldoutFolder.create();
  await writeTinyModel(folder.join("tiny"));
  await folder.write([
    heldoutRecord("a", 0, "SynthColor", "What colour?", "red"),
    heldoutRecord("b", 1, "SynthColor", "What colour?", "green"),
    heldoutRecord("c", 1, "SynthCount", "How many?", "one"),
  ]);
  config = await Config.load({ root: fileURLToPath(new URL("../../plugin-kit/", import.meta.url)) });
});
afterAll(() => folder.remove());

async function run(...argv: string[]) {
  const given = new Set(argv);
  const defaults = [
    ["--benchmark", "builtin"],
    ["--data", folder.path],
    ["--model", folder.join("tiny")],
    ["--max-tokens", "3"],
  ].filter(([flag]) => !given.has(flag!));
  const command = () => COMMANDS["eval:run"].run([...defaults.flat(), ...argv], config);
  const { stdout, stderr, error } = await captureOutput(command);
  return { stdout, stderr, exitCode: (error as { oclif?: { exit?: number } } | undefined)?.oclif?.exit ?? 0 };
}

describe("fusion eval run --benchmark builtin", () => {
  test("prints a row for each kind and for all, with and without the pictures", async () => {
    const { stdout, stderr, exitCode } = await run("--blank");

    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    // Wilson's interval of 0 of 2, 1 and 3 reaches z²/(n + z²): 65.8 %, 79.3 %, 56.1 %.
    expect(stdout.split("\n").slice(0, 4)).toEqual([
      "kind        questions        exact match      blank picture      difference",
      "SynthColor          2  0.0 % [0.0, 65.8]  0.0 % [0.0, 65.8]  0.0 [0.0, 0.0]",
      "SynthCount          1  0.0 % [0.0, 79.3]  0.0 % [0.0, 79.3]             0.0",
      "all                 3  0.0 % [0.0, 56.1]  0.0 % [0.0, 56.1]  0.0 [0.0, 0.0]",
    ]);
    expect(stdout).toMatch(
      /\n3 questions about 2 pictures; intervals are 95 %\.\n6 answers in 0:\d\d min, [\d.]+ a second\.\n$/,
    );
  });

  test("is one document with --json, and a second run takes the predictions over", async () => {
    const out = folder.join("scores");
    const first = await run("--out", out, "--limit", "2", "--json");
    const second = await run("--out", out, "--json");

    expect([first.stderr, second.stderr]).toEqual(["", ""]);
    expect(JSON.parse(first.stdout)).toMatchObject({ questions: 2, run: { resumed: 0, answers: 2 } });
    expect(JSON.parse(second.stdout)).toMatchObject({
      benchmark: "builtin",
      questions: 3,
      pictures: 2,
      overall: { picture: { correct: 0, total: 3 } },
      run: { resumed: 2, answers: 1 },
      predictions: folder.join("scores/predictions.jsonl"),
    });
  });

  test.each([
    [["--limit", "0"], 2, "USAGE"],
    [["--restart"], 2, "USAGE"],
    [["--model", "nowhere"], 1, "MODEL_NOT_FOUND"],
    [["--data", "nowhere"], 1, "DATASET_INVALID"],
    [["--data", ""], 1, "DATASET_INVALID"],
    [["--out", ""], 1, "OPTION_INVALID"],
  ])("with %j exits %d and says %s", async (argv, exitCode, code) => {
    const failed = await run(...argv);

    expect(failed.exitCode).toBe(exitCode);
    expect(failed.stderr).toContain(`Code: ${code}\n`);
    expect(failed.stdout).toBe("");
  });
});
