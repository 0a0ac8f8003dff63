import { appendFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HeldoutFolder } from "./heldout-for-tests.ts";
import { logLines, writeLog } from "./report-for-tests.ts";
import { readTrainingLog } from "./training-log.ts";

let folder: HeldoutFolder;
beforeEach(async () => {
  folder = await HeldoutFolder.create();
});
afterEach(() => folder.remove());

describe("readTrainingLog", () => {
  test("sums up a training; compiling counts in its time and not in its rate", async () => {
    const model = await writeLog(folder, "model", logLines(4));

    const log = await readTrainingLog(model);

    expect(log).toMatchObject({ model: "preset nano", steps: 4, samples: 64, seconds: 100, samplesPerSecond: 8 });
    expect([log.end, log.every, log.cut]).toEqual(["complete", 1, false]);
    expect(log.entries.map(({ stage }) => stage)).toEqual(["captions", "captions", "train", "train"]);
    expect(log.entries[1]!.losses).toEqual({ loss: 4.2, answer: 3.5, v2t: 0.9, t2v: 0.8 });
  });

  test("keeps at most 20000 steps of a long log, evenly", async () => {
    const model = await writeLog(folder, "model", logLines(50_000));

    const { entries, every, steps, samples } = await readTrainingLog(model);

    expect([steps, samples, every]).toEqual([50_000, 800_000, 4]);
    expect(entries).toHaveLength(12_500);
    expect(entries.slice(0, 3).map(({ step }) => step)).toEqual([1, 5, 9]);
  });

  test("reads a log that goes on being written, without the half of its last line", async () => {
    const model = await writeLog(folder, "model", logLines(2).slice(0, -2));
    await appendFile(`${model}/train-log.jsonl`, '{"type":"step","st');

    const log = await readTrainingLog(`${model}/train-log.jsonl`);

    expect(log).toMatchObject({ steps: 2, end: "unfinished", cut: true, seconds: 62 });
  });

  test("names stages by what their steps say, and leaves events alone that it does not draw", async () => {
    const staged = logLines(4).map((line, index) =>
      "step" in line
        ? { ...line, stage: index < 5 ? "1" : "1.5", sources: [{ source: "a", answer: 1, answerTokens: 2 }] }
        : line,
    );
    const further = [
      { type: "skipped-step", step: 2, stage: "1", reason: "no number", loss: null, gradientNorm: null, batch: [] },
      { type: "evaluation", step: 2, stage: "1", loss: 1, answer: 1, best: true },
      { type: "checkpoint", step: 2, stage: "1", folder: "c", bytes: 1, seconds: 1 },
      { type: "something of a later version" },
    ];
    const model = await writeLog(folder, "model", [...staged.slice(0, 5), ...further, ...staged.slice(5)]);

    const { entries, steps } = await readTrainingLog(model);

    expect(steps).toBe(4);
    expect(entries.map(({ stage }) => stage)).toEqual(["stage 1", "stage 1", "stage 1.5", "stage 1.5"]);
  });

  test("a training that was resumed has each step once", async () => {
    const lines = logLines(4);
    const begin = { ...lines[2], stepsBefore: 2 };
    const model = await writeLog(folder, "model", [...lines.slice(0, 7), begin, ...lines.slice(5)]);

    const { entries, end } = await readTrainingLog(model);

    expect(entries.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    expect(end).toBe("complete");
  });

  test("a loss that was no number is none", async () => {
    const [data, , begin, step] = logLines(1);
    const model = await writeLog(folder, "model", [data!, begin!, { ...step, loss: null }]);

    expect((await readTrainingLog(model)).entries[0]!.losses.loss).toBeNaN();
  });

  test.each([
    ["nothing", [], /expected the log of a training with at least one step, got no training$/],
    ["no step", logLines(2).slice(0, 3), /at least one step, got none$/],
    ["something else", [{ id: 1 }], /line 1: expected an event of a training, got type: /],
    ["a step without its loss", [...logLines(1).slice(0, 3), { type: "step", step: 1 }], /line 4: .* got phase: /],
  ])("refuses a log of %s", async (_what, lines, message) => {
    const model = await writeLog(folder, "model", lines);

    await expect(readTrainingLog(model)).rejects.toMatchObject({
      code: "RESULTS_INVALID",
      message: expect.stringMatching(message),
    });
  });

  test("says what to give where there is no log", async () => {
    await expect(readTrainingLog(folder.path)).rejects.toMatchObject({
      message: expect.stringMatching(/train-log\.jsonl: expected a training log, got nothing at this path$/),
      hint: expect.stringContaining("fusion train"),
    });
  });
});
