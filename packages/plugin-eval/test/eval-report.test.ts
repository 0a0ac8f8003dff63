import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Config } from "@oclif/core";
import { captureOutput } from "@oclif/test";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMMANDS } from "../src/index.ts";
import { HeldoutFolder } from "../src/services/heldout-for-tests.ts";
import { logLines, writeLog, writeQuestions, writeScores } from "../src/services/report-for-tests.ts";

let folder: HeldoutFolder;
let config: Config;
let scores: string;
let before: string;
beforeAll(async () => {
  folder = await HeldoutFolder.create();
  await writeQuestions(folder);
  const answers = ["red", "red", "blue", "red", "3", "red", "<b>", "red", "red"];
  scores = await writeScores(folder, "scores", { answers, blank: answers.map(() => "blue") });
  before = await writeScores(folder, "before", { answers: answers.map(() => "no") });
  config = await Config.load({ root: fileURLToPath(new URL("../../plugin-kit/", import.meta.url)) });
});
afterAll(() => folder.remove());

async function report(...argv: string[]) {
  const { stdout, stderr, error } = await captureOutput(() => COMMANDS["eval:report"].run(argv, config));
  return { stdout, stderr, exitCode: (error as { oclif?: { exit?: number } } | undefined)?.oclif?.exit ?? 0 };
}

describe("fusion eval report", () => {
  test("writes a page with figures, curves, bars and pictures, and prints the figures", async () => {
    const [log, out] = [await writeLog(folder, "model", logLines(40)), folder.join("pages/report.html")];

    const { stdout, stderr, exitCode } = await report(scores, "--before", before, "--log", log, "--out", out);

    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    expect(stdout).toMatch(
      /^exact match +66\.7 %\nblank picture +0\.0 %\ndifference +\+50\.0 points \(95 %: 25\.0 to 75\.0\)\n/,
    );
    expect(stdout).toMatch(
      /\nbefore this training +0\.0 %\ngained +\+66\.7 points .*\npage +\S+report\.html \(.* KiB, 3 pictures\)\n$/,
    );
    const page = await readFile(out, "utf8");
    expect(page).toContain(
      "66.7 % of the answers match exactly with the picture, 0.0 % with a blank one, a difference of +50.0 points (95 %: 25.0 to 75.0). " +
        "Before this training it was 0.0 %, a gain of +66.7 points",
    );
    for (const fact of [
      "3.52 M",
      "1:40 min",
      "captions.json (40 samples), train.json (40 samples)",
      "8.0",
      "preset nano",
    ]) {
      expect(page).toContain(`<dd>${fact}</dd>`);
    }
    expect(page).toContain(
      "3 of 3 pictures, chosen by a hash of their names and not by their answers. 6 of these 9 answers are right.",
    );
    expect(page.match(/<img src="data:image\/png;base64,/g)).toHaveLength(3);
    expect(page).toContain("with the picture, before this training");
    expect(page).toContain("<bdi>&#60;b&#62;</bdi>");
  });

  test("a log of 30000 steps makes a page below a megabyte, and says how it was drawn", async () => {
    const [log, out] = [await writeLog(folder, "long", logLines(30_000)), folder.join("long.html")];

    await report(scores, "--log", log, "--out", out, "--pictures", "0");

    const page = await readFile(out, "utf8");
    expect(page.length).toBeLessThan(600_000);
    expect(page).toContain("Strong lines are medians of 300 points around, faint ones the points themselves.");
    expect(page).toContain("Of the 30000 steps of");
    expect(page).not.toContain("<img");
  });

  test("is one document with --json, and replaces a page", async () => {
    const [log, out] = [await writeLog(folder, "model-2", logLines(4).slice(0, -2)), folder.join("again.html")];
    await writeFile(out, "an earlier page");

    const { stdout, stderr } = await report(scores, "--log", log, "--log", log, "--out", out, "--title", "T", "--json");

    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      page: out,
      bytes: (await readFile(out)).length,
      title: "T",
      model: folder.join("model"),
      questions: 9,
      pictures: 3,
      exactMatch: { picture: 6 / 9, blank: 0, before: null },
      difference: { difference: 0.5, interval: [0.25, 0.75] },
      gained: null,
      training: { steps: 8, samples: 128, seconds: 132 },
      shown: { pictures: 3, missing: 0 },
      notes: ["has no end", "has no end", "No log lies in"].map((part) => expect.stringContaining(part)),
    });
    expect(await readFile(out, "utf8")).toContain("<title>T</title>");
  });

  test.each([
    [["--pictures", "-1"], 2, "USAGE"],
    [["--log", "nowhere"], 1, "RESULTS_INVALID"],
    [["--before", "nowhere"], 1, "RESULTS_INVALID"],
  ])("with %j exits %d, says %s and writes no page", async (argv, exitCode, code) => {
    const out = folder.join("none.html");

    const failed = await report(scores, "--out", out, ...argv);

    expect([failed.exitCode, failed.stdout]).toEqual([exitCode, ""]);
    expect(failed.stderr).toContain(`Code: ${code}\n`);
    await expect(readFile(out)).rejects.toThrow("ENOENT");
  });
});
