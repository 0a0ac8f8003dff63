import { appendFile, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { gatherReport } from "./gather-report.ts";
import { HeldoutFolder } from "./heldout-for-tests.ts";
import { logLines, writeLog, writeQuestions, writeScores } from "./report-for-tests.ts";

let folder: HeldoutFolder;
beforeEach(async () => {
  folder = await HeldoutFolder.create();
  await writeQuestions(folder);
});
afterEach(() => folder.remove());

const answers = ["red", "red", "blue", "red", "3", "red", "", "red", "red"];
const blank = Array.from({ length: 9 }, () => "blue");

describe("gatherReport", () => {
  test("joins pictures with their questions and with the answers of both askings", async () => {
    const scores = await writeScores(folder, "scores", { answers, blank });

    const { samples, notes } = await gatherReport({ scores });

    expect(notes).toEqual([]);
    expect(samples.map(({ name }) => name)).toEqual(["images/0.png", "images/1.png", "images/2.png"]);
    expect(samples[2]!.questions.map(({ answer, correct }) => [answer, correct])).toEqual([
      ["blue", false],
      ["red", true],
      ["red", true],
    ]);
    expect(samples[0]!.questions[0]).toEqual({
      ...{ question: "Question 1?", expected: "red", kind: "SynthColor" },
      ...{ answer: "red", correct: true, blankAnswer: "blue" },
    });
    expect(samples[0]!.picture).toBeInstanceOf(Uint8Array);
  });

  test("chooses the same pictures whatever was answered", async () => {
    const right = await writeScores(folder, "right", { answers: answers.map(() => "red") });
    const wrong = await writeScores(folder, "wrong", { answers: answers.map(() => "blue") });

    const [one, other] = await Promise.all([right, wrong].map((scores) => gatherReport({ scores, pictures: 2 })));

    expect(one!.samples).toHaveLength(2);
    expect(other!.samples.map(({ name }) => name)).toEqual(one!.samples.map(({ name }) => name));
  });

  test("tells how much was gained, from questions answered before and after", async () => {
    const scores = await writeScores(folder, "scores", { answers });
    const before = await writeScores(folder, "before", { answers: blank });

    const { gained } = await gatherReport({ scores, before });

    expect(gained).toMatchObject({ difference: 6 / 9, onlyFirst: 6, onlySecond: 0 });
    expect(gained!.interval![0]).toBeGreaterThan(0);
  });

  test("refuses scores of other questions as those before", async () => {
    const before = await writeScores(folder, "before", { answers: blank });
    await appendFile(folder.join("heldout.json"), "\n");
    const scores = await writeScores(folder, "scores", { answers });

    await expect(gatherReport({ scores, before })).rejects.toMatchObject({
      code: "RESULTS_INVALID",
      message: expect.stringMatching(/before: expected scores of the same questions, got those of other ones$/),
    });
  });

  test("says of a picture that it is gone, and shows the others", async () => {
    const scores = await writeScores(folder, "scores", { answers });
    await rm(folder.join("images/1.png"));
    await writeFile(folder.join("images/2.png"), "no picture");

    const { samples, notes } = await gatherReport({ scores });

    expect(samples.slice(1).map(({ picture }) => picture)).toEqual([
      "the picture is gone",
      "not a PNG, JPEG, GIF or WebP picture",
    ]);
    expect(notes).toEqual(["2 of 3 pictures cannot be shown."]);
  });

  test("shows no pictures of a file whose questions were not asked", async () => {
    const scores = await writeScores(folder, "scores", { answers });
    await appendFile(folder.join("heldout.json"), "\n");

    const { samples, notes } = await gatherReport({ scores });

    expect(samples).toHaveLength(9);
    expect(samples.every(({ picture }) => picture === "the picture is not known")).toBe(true);
    expect(notes).toEqual([expect.stringContaining("is not the file whose questions were asked")]);
  });

  test("finds pictures that have moved where it is told", async () => {
    const scores = await writeScores(folder, "scores", { answers });
    const moved = await HeldoutFolder.create();
    await writeQuestions(moved);
    await rm(folder.join("heldout.json"));

    const lost = await gatherReport({ scores });
    const found = await gatherReport({ scores, data: moved.path });

    expect(lost.notes).toEqual([expect.stringMatching(/heldout\.json: expected .* --data says where/)]);
    expect([found.notes, found.samples.length]).toEqual([[], 3]);
    await moved.remove();
  });

  test("leaves out a prediction that was cut off, and says so", async () => {
    const scores = await writeScores(folder, "scores", { answers });
    const file = folder.join("scores/predictions.jsonl");
    await appendFile(file, '{"id":"q-9","tu');

    expect((await gatherReport({ scores })).notes).toEqual([expect.stringMatching(/last line of .* was cut off/)]);
  });

  test("says when predictions and score are of different runs", async () => {
    const scores = await writeScores(folder, "scores", { answers });
    await writeScores(folder, "other", { answers: blank });
    await rm(folder.join("scores/predictions.jsonl"));
    const copied = await gatherReport({ scores });
    await writeFile(folder.join("scores/predictions.jsonl"), await predictionsOf("other"));

    expect(copied.notes).toEqual([expect.stringContaining("predictions.jsonl is gone")]);
    expect((await gatherReport({ scores })).notes).toEqual([expect.stringContaining("does not hold the answers")]);
  });

  test("names the line of predictions that is damaged", async () => {
    const scores = await writeScores(folder, "scores", { answers });
    const lines = (await predictionsOf("scores")).split("\n");
    const withLine = (line: string) => [...lines.slice(0, 3), line, ...lines.slice(4)].join("\n");

    await writeFile(folder.join("scores/predictions.jsonl"), withLine('{"id":"q-'));
    await expect(gatherReport({ scores })).rejects.toThrow(/predictions\.jsonl: line 4: expected a line of JSON/);
    await writeFile(folder.join("scores/predictions.jsonl"), withLine('{"id":"q-3"}'));
    await expect(gatherReport({ scores })).rejects.toThrow(/predictions\.jsonl: line 4: expected a prediction/);
  });

  test("says what is missing of scores", async () => {
    const hint = (scores: string): Promise<string[]> =>
      gatherReport({ scores }).then(
        () => [],
        (error) => [error.message, error.hint],
      );
    await writeScores(folder, "scores", { answers });

    expect(await hint(folder.join("nowhere"))).toEqual([
      expect.stringMatching(/nowhere\/score\.json: expected .* got nothing at this path$/),
      expect.stringContaining("fusion eval run … --out FOLDER"),
    ]);
    await truncate(folder.join("scores/score.json"), 20);
    expect((await hint(folder.join("scores")))[0]).toMatch(/score\.json: expected the score\.json of .* JSON/);
    await rm(folder.join("scores/score.json"));
    expect(await hint(folder.join("scores"))).toEqual([
      expect.stringContaining("got only the predictions of a run that has not ended"),
      expect.stringContaining("it goes on where it was"),
    ]);
  });

  test("notes that logs lie elsewhere than the model that was scored", async () => {
    const scores = await writeScores(folder, "scores", { answers });
    const log = await writeLog(folder, "another", logLines(4));

    expect((await gatherReport({ scores, logs: [log] })).notes).toEqual([
      `No log lies in ${folder.join("model")}, the model that was scored: look whether they are of its training.`,
    ]);
  });

  test("notes what became of trainings that did not end as they should", async () => {
    const scores = await writeScores(folder, "scores", { answers });
    const log = await writeLog(folder, "model", logLines(4).slice(0, -2));

    const { notes, logs } = await gatherReport({ scores, logs: [log] });

    expect(notes).toEqual([expect.stringContaining("has no end: that training went on, or was killed")]);
    expect(logs[0]).toMatchObject({ steps: 4, seconds: 66 });
  });
});

function predictionsOf(name: string): Promise<string> {
  return readFile(folder.join(name, "predictions.jsonl"), "utf8");
}
