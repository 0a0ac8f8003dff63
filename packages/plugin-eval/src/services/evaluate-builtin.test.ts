import { readFile, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { type FusionModel, loadFusion } from "@fusion-vlm/core";
import { SmallDisk, writeTinyModel } from "@fusion-vlm/core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { blankPicture } from "./blank-picture.ts";
import { evaluateBuiltin } from "./evaluate-builtin.ts";
import { HeldoutFolder, heldoutRecord } from "./heldout-for-tests.ts";

const maxTokens = 6;
const questions = ["What is in the picture?", "How many shapes are there?"];

let folder: HeldoutFolder;
let model: FusionModel;
/** What the model answers, picture by picture, and to the blank picture; it is random, and greedy. */
const answers = new Map<string, string>();
const said = (picture: number | "blank", question: string) => answers.get(`${picture} ${question}`)!;

beforeAll(async () => {
  folder = await HeldoutFolder.create();
  await writeTinyModel(folder.join("tiny"), { seed: 3 });
  model = await loadFusion(folder.join("tiny"), { worker: false, threads: 1 });
  for (const question of questions) {
    for (const picture of [0, 1, 2, "blank"] as const) {
      const image = picture === "blank" ? blankPicture : folder.join(`images/${picture}.png`);
      answers.set(`${picture} ${question}`, (await model.ask({ image, question, maxTokens })).text);
    }
  }
  const expected = [
    said(0, questions[0]!),
    said(0, questions[1]!),
    said(1, questions[0]!),
    "never said",
    said("blank", questions[0]!),
    "never said",
  ];
  await folder.write(
    [0, 1, 2].flatMap((picture) =>
      questions.map((question, index) =>
        heldoutRecord(
          `${picture}-${index}`,
          picture,
          index === 0 ? "object" : "count",
          question,
          expected[2 * picture + index]!,
        ),
      ),
    ),
  );
});

afterAll(async () => {
  await model.dispose();
  await folder.remove();
});

const evaluate = (options: Partial<Parameters<typeof evaluateBuiltin>[0]> = {}) =>
  evaluateBuiltin({ model, data: folder.path, maxTokens, ...options });

describe("evaluateBuiltin", () => {
  test("the random model sees: it answers otherwise without the pictures", () => {
    for (const question of questions)
      expect(new Set([0, 1, 2, "blank"].map((p) => said(p as number, question))).size).toBe(4);
  });

  test("counts exact matches per kind, with and without the pictures", async () => {
    const { report, answers: answered } = await evaluate({ blank: true });

    expect(report).toMatchObject({
      benchmark: "builtin",
      questions: 6,
      pictures: 3,
      untrained: false,
      predictions: null,
    });
    expect(
      report.kinds.map(({ kind, picture, blank }) => [kind, picture.correct, picture.total, blank!.correct]),
    ).toEqual([
      ["object", 2, 3, 1],
      ["count", 1, 3, 0],
    ]);
    expect(report.overall.picture).toMatchObject({ correct: 3, total: 6, share: 0.5 });
    expect(report.overall.difference).toMatchObject({ difference: 2 / 6, onlyFirst: 3, onlySecond: 1 });
    expect(answered.map(({ answer }) => answer)).toEqual([0, 1, 2].flatMap((p) => questions.map((q) => said(p, q))));
    expect(answered.map(({ blank }) => blank!.answer)).toEqual(
      [0, 1, 2].flatMap(() => questions.map((q) => said("blank", q))),
    );
  });

  test("without blank pictures there is no difference, and a limit asks the first", async () => {
    const { report } = await evaluate({ limit: 2 });

    expect(report.overall).toMatchObject({ picture: { correct: 2, total: 2 } });
    expect(report.overall).not.toHaveProperty("blank");
    expect(report.run).toMatchObject({ resumed: 0, answers: 2 });
  });

  test("says where the questions are from anywhere", async () => {
    const { report } = await evaluate({ data: relative(process.cwd(), folder.path), limit: 1 });

    expect(report.data).toBe(folder.join("heldout.json"));
  });

  test("a score goes when its questions are asked anew, so that it never stands beside answers of another run", async () => {
    const out = folder.join("anew");
    await evaluate({ out });
    const stop = new AbortController();
    const anew = evaluate({
      out,
      restart: true,
      signal: stop.signal,
      onProgress: ({ done }) => done === 1 && stop.abort(),
    });

    await expect(anew).rejects.toMatchObject({ code: "ABORTED" });
    await expect(readFile(`${out}/score.json`)).rejects.toThrow("ENOENT");
    await rm(out, { recursive: true });
  });

  test("a run that was stopped goes on where it was, and scores as if it had not been", async () => {
    const out = folder.join("scores");
    const stop = new AbortController();
    const stopped = evaluate({
      out,
      blank: true,
      signal: stop.signal,
      onProgress: ({ done }) => done === 3 && stop.abort(),
    });
    await expect(stopped).rejects.toMatchObject({
      code: "ABORTED",
      message: expect.stringMatching(/; \d+ of 12 answers are kept in .*predictions\.jsonl$/),
      hint: "Run the same command again to go on behind them.",
    });
    const before = (await readFile(`${out}/predictions.jsonl`, "utf8")).trimEnd().split("\n");

    const progress: string[] = [];
    const { report } = await evaluate({
      out,
      blank: true,
      onProgress: ({ done, total }) => progress.push(`${done}/${total}`),
    });

    const resumed = before.length - 1;
    expect(resumed).toBeGreaterThanOrEqual(3);
    expect(resumed).toBeLessThan(12);
    expect(report.run).toMatchObject({ resumed, answers: 12 - resumed });
    expect([progress[0], progress.at(-1)]).toEqual([`0/${12 - resumed}`, `${12 - resumed}/${12 - resumed}`]);
    const whole = await evaluate({ blank: true });
    expect(report.kinds).toEqual(whole.report.kinds);
    expect(report.overall).toEqual(whole.report.overall);
    const lines = (await readFile(`${out}/predictions.jsonl`, "utf8")).trimEnd().split("\n");
    expect(lines.slice(0, before.length)).toEqual(before);
    expect(lines).toHaveLength(13);
    expect(JSON.parse(await readFile(`${out}/score.json`, "utf8"))).toEqual(JSON.parse(JSON.stringify(report)));
    await rm(out, { recursive: true });
  });

  test("does not take over the answers of another model", async () => {
    const out = folder.join("scores");
    await evaluate({ out, limit: 1 });
    await writeTinyModel(folder.join("other"), { seed: 4 });
    const other = await loadFusion(folder.join("other"), { worker: false, threads: 1 });

    const run = (restart: boolean) => evaluate({ model: other, out, limit: 1, restart });

    await expect(run(false)).rejects.toThrow("another run (model differ)");
    expect((await run(true)).report.run.resumed).toBe(0);
    await other.dispose();
    await rm(out, { recursive: true });
  });

  test("refuses a limit that is no count", async () => {
    await expect(evaluate({ limit: 0 })).rejects.toMatchObject({ code: "OPTION_INVALID", at: "limit" });
  });
});

const { missing } = SmallDisk;

test.skipIf(missing)(`a disk that fills up keeps the answers so far${missing ? ` (${missing})` : ""}`, async () => {
  const disk = SmallDisk.mount(folder.join("disk"), 2 ** 18);
  try {
    // Each answer's line is longer than what is left of the 4096 bytes that its file has already.
    const long = (id: string, picture: number) =>
      heldoutRecord(id, picture, "k".repeat(4096), questions[0]!, said(picture, questions[0]!));
    await writeFile(folder.join("long.json"), JSON.stringify([0, 1, 2].map((picture) => long(`${picture}`, picture))));
    const out = join(disk.path, "scores");
    const run = (onProgress?: (progress: { done: number }) => void) =>
      evaluate({ data: folder.join("long.json"), out, onProgress });

    const filling = run(({ done }) => done === 1 && disk.fillNow());
    await expect(filling).rejects.toMatchObject({
      code: "WRITE_FAILED",
      message: `${out}/predictions.jsonl: expected a file that can be written, got no space left on device (ENOSPC)`,
      hint: expect.stringMatching(/^Free some space.* Answers written before are kept: the same command goes on/),
    });
    const lines = (await readFile(`${out}/predictions.jsonl`, "utf8")).split("\n");
    expect(lines.map((line) => line && JSON.parse(line).id)).toEqual([undefined, "0", ""]);

    disk.freeNow();
    const { report } = await run();
    expect(report.run).toMatchObject({ resumed: 1, answers: 2 });
    expect(report.overall.picture).toMatchObject({ correct: 3, total: 3 });
  } finally {
    disk.unmount();
  }
});
