import { expect, test } from "vitest";
import { Pace, type PaceOptions } from "./pace.ts";

function pace(options: Partial<PaceOptions>) {
  const time = { now: 0 };
  const settled = {
    phaseSteps: [10, 30],
    shares: [0.25, 0.75],
    peak: 1,
    warmupRatio: 0.1,
    schedule: "cosine" as const,
    ...options,
  };
  return { pace: new Pace({ ...settled, clock: () => time.now }), time };
}

test("by epochs, phases end at their steps, and the rate is that of the cosine schedule", () => {
  const { pace: byEpochs } = pace({});

  expect(byEpochs.totalSteps).toBe(40);
  expect([9, 10].map((steps) => byEpochs.isOver(0, steps))).toEqual([false, true]);
  expect([39, 40].map((steps) => byEpochs.isOver(1, steps))).toEqual([false, true]);
  expect([0, 2, 4, 22, 40].map((steps) => byEpochs.learningRate(steps).toFixed(6))).toEqual([
    "0.000000",
    "0.500000",
    "1.000000",
    "0.500000",
    "0.000000",
  ]);
});

test("the rate follows the schedule that was chosen", () => {
  const rates = (["linear", "constant"] as const).map((schedule) => {
    const { pace: chosen } = pace({ schedule });
    return [2, 22, 40].map((steps) => chosen.learningRate(steps));
  });

  expect(rates).toEqual([
    [0.5, 0.5, 0],
    [0.5, 1, 1],
  ]);
});

test("by steps, phases get their shares", () => {
  const { pace: bySteps } = pace({ phaseSteps: [Infinity, Infinity], maxSteps: 9 });

  expect(bySteps.totalSteps).toBe(9);
  expect([1, 2].map((steps) => bySteps.isOver(0, steps))).toEqual([false, true]);
  expect([8, 9].map((steps) => bySteps.isOver(1, steps))).toEqual([false, true]);
});

test("by the clock, rate and phases follow the time", () => {
  const { pace: byTime, time } = pace({ phaseSteps: [Infinity, Infinity], maxTime: 100_000 });
  const at = (seconds: number) => {
    time.now = seconds * 1000;
    return [byTime.learningRate(5).toFixed(3), byTime.isOver(0, 5), byTime.isOver(1, 5), Math.round(byTime.left(5))];
  };

  expect(byTime.totalSteps).toBe(Infinity);
  expect(at(5)).toEqual(["0.500", false, false, 95]);
  expect(at(55)).toEqual(["0.500", true, false, 45]);
  expect(at(100)).toEqual(["0.000", true, true, 0]);
});

test("of several limits, the one that comes first counts", () => {
  const { pace: both, time } = pace({ maxSteps: 1000, maxTime: 100_000 });

  expect(both.totalSteps).toBe(40);
  time.now = 50_000;
  expect([both.progress(4), both.progress(30)]).toEqual([0.5, 0.75]);
});
