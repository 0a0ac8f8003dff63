import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { TrainEvent } from "../trainer/train-events.ts";
import { beginEvent, dataEvent, evaluationEvent, stepEvent } from "./events-for-tests.ts";
import { TrainingHistory } from "./training-history.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "history-"));
});
afterEach(() => rm(folder, { recursive: true }));

const historyOf = (events: readonly TrainEvent[]) => {
  const history = new TrainingHistory();
  for (const event of events) history.add(event);
  return history;
};
const steps = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => stepEvent(from + index));
const lines = (values: readonly unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join("");

describe("TrainingHistory", () => {
  test("has a curve for each number and each data file; what is not known yet is not drawn as 0", () => {
    const history = historyOf([beginEvent(), ...steps(1, 4)]);

    expect(history.loss.points.map(([, loss]) => loss)).toEqual([8, 4, 8 / 3, 2]);
    expect(history.sources.curves.get("d/captions.json")!.points.at(-1)).toEqual([4, 1.75]);
    expect(history.samplesPerSecond.points.map(([step]) => step)).toEqual([2, 3, 4]);
    expect([history.samples, history.seconds, history.range]).toEqual([64, 8, [1, 4]]);
  });

  test("forgets the steps that a resumed training does again", () => {
    const history = historyOf([
      ...[beginEvent(), ...steps(1, 10)],
      ...[evaluationEvent(4, { best: true }), evaluationEvent(9, { best: true })],
      beginEvent({ stepsBefore: 6 }),
      stepEvent(7, { loss: 0.5 }),
    ]);

    expect(history.loss.points.map(([step]) => step)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(history.loss.points.at(-1)).toEqual([7, 0.5]);
    expect([history.heldOut.answer.size, history.best?.step, history.lastEvaluation]).toEqual([1, 4, undefined]);
    expect(history.resumed.kept).toEqual(["Resumed after step 6."]);
  });

  test("knows where stages begin, and where a resumed one began", () => {
    const stage = (name: string, from: number, to: number) =>
      steps(from, to).map((event) => ({ ...event, stage: name, phase: "x" }));
    const history = historyOf([
      ...[beginEvent({ stage: "1" }), ...stage("1", 1, 5)],
      ...[beginEvent({ stage: "1.5", stepsBefore: 5 }), ...stage("1.5", 6, 9)],
      ...[beginEvent({ stage: "1.5", stepsBefore: 7 }), ...stage("1.5", 8, 9)],
    ]);

    expect(history.beginnings).toEqual([
      { x: 1, label: "stage 1" },
      { x: 6, label: "stage 1.5" },
    ]);
    expect(history.stages.map(({ stage: name, start }) => [name, start])).toEqual([
      ["1", 0],
      ["1.5", 5],
    ]);
  });

  test("does not claim to know where a stage began whose steps it has not seen", () => {
    expect(historyOf([beginEvent({ stepsBefore: 300 })]).stages[0]!.start).toBeUndefined();
  });

  test("stays small with many steps, skipped ones, warnings and data files", () => {
    const history = new TrainingHistory();
    for (let step = 1; step <= 20_000; step++) {
      history.add(stepEvent(step, { sources: [{ source: `${step % 100}.json`, answer: 1, answerTokens: 1 }] }));
      history.add({ type: "skipped-step", step, stage: null, reason: "no", loss: null, gradientNorm: null, batch: [] });
      history.add({ type: "warning", message: `warning ${step}` });
    }

    expect(history.loss.size).toBeLessThanOrEqual(600);
    expect(history.skippedSteps.size).toBeLessThanOrEqual(600);
    expect([history.sources.curves.size, history.sources.incomplete]).toEqual([24, true]);
    expect(history.warnings.kept).toHaveLength(21);
    expect(history.warnings.kept[10]).toBe("… and 19980 more …");
    expect(history.warnings.kept.at(-1)).toBe("warning 20000");
  });
});

describe("TrainingHistory.read", () => {
  test("is the history of the events in the log", async () => {
    const events = [dataEvent(), beginEvent(), ...steps(1, 50), evaluationEvent(50, { best: true })];
    await writeFile(join(folder, "log"), lines(events));

    const read = await TrainingHistory.read(join(folder, "log"));

    expect(read.loss.points).toEqual(historyOf(events).loss.points);
    expect([read.data.get("d/captions.json")?.samples, read.best?.step, read.unreadable]).toEqual([40, 50, 0]);
  });

  test("leaves out lines that are cut, and those of types it does not know", async () => {
    const cut = JSON.stringify(stepEvent(3)).slice(0, 40);
    const text = `${lines([beginEvent(), stepEvent(1), { type: "of-a-later-version", step: "x" }])}${cut}\n`;
    await writeFile(join(folder, "log"), `${text}${lines([stepEvent(2)])}${cut}`);

    const history = await TrainingHistory.read(join(folder, "log"));

    expect(history.loss.points.map(([step]) => step)).toEqual([1, 2]);
    expect(history.unreadable).toBe(2);
  });

  test("reads logs of before there were stages, and losses that were no number", async () => {
    const { stage: _stage, sources: _sources, ...step } = stepEvent(1);
    const { stage: _none, stepsBefore: _before, ...begin } = beginEvent();
    await writeFile(join(folder, "log"), lines([begin, { ...step, loss: Number.NaN }, { ...step, step: 2 }]));

    const history = await TrainingHistory.read(join(folder, "log"));

    expect(history.unreadable).toBe(0);
    expect(history.loss.points).toEqual([
      [1, Number.NaN],
      [2, 8],
    ]);
    expect(history.stages[0]).toMatchObject({ stage: null, start: 0 });
  });
});
