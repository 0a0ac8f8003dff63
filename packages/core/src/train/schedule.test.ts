import { describe, expect, it } from "vitest";
import { constantSchedule, cosineSchedule, linearSchedule, schedules } from "./schedule.ts";

describe("cosineSchedule", () => {
  it("is get_cosine_schedule_with_warmup of transformers", () => {
    const rate = cosineSchedule({ peak: 2, totalSteps: 10, warmupRatio: 0.2 });

    // step/2 while step < 2, then 0.5·(1 + cos(π·(step − 2)/8)), times the peak
    const expected = [0, 1, 2, 1.9238795325112867, 1.7071067811865475, 1.3826834323650898, 1, 0.6173165676349102];
    expected.forEach((value, step) => {
      expect(rate(step)).toBeCloseTo(value, 12);
    });
    expect(rate(10)).toBe(0);
  });

  it("rounds the warm-up of 3 % up to a whole step", () => {
    const rate = cosineSchedule({ peak: 1, totalSteps: 34 }); // 1.02 → 2 steps

    expect([rate(0), rate(1), rate(2)]).toEqual([0, 0.5, 1]);
  });

  it("starts at the peak without warm-up", () => {
    expect(cosineSchedule({ peak: 1e-3, totalSteps: 5, warmupRatio: 0 })(0)).toBe(1e-3);
  });

  it("rises all the way when everything is warm-up", () => {
    const rate = cosineSchedule({ peak: 1, totalSteps: 4, warmupRatio: 1 });

    expect([0, 1, 2, 3].map(rate)).toEqual([0, 0.25, 0.5, 0.75]);
  });
});

describe("linearSchedule", () => {
  it("is get_linear_schedule_with_warmup of transformers", () => {
    const rate = linearSchedule({ peak: 2, totalSteps: 10, warmupRatio: 0.2 });

    // step/2 while step < 2, then (10 − step)/8, times the peak
    const expected = [0, 1, 2, 1.75, 1.5, 1.25, 1, 0.75, 0.5, 0.25, 0];
    expect(expected.map((_, step) => rate(step))).toEqual(expected);
  });

  it("stays at 0 past the last step", () => {
    expect(linearSchedule({ peak: 2, totalSteps: 10 })(12)).toBe(0);
  });
});

describe("constantSchedule", () => {
  it("is get_constant_schedule_with_warmup of transformers", () => {
    const rate = constantSchedule({ peak: 2, totalSteps: 10, warmupRatio: 0.4 });

    const expected = [0, 0.5, 1, 1.5, 2, 2, 2, 2, 2, 2, 2];
    expect(expected.map((_, step) => rate(step))).toEqual(expected);
  });
});

describe.each(Object.entries(schedules))("the %s schedule", (_name, schedule) => {
  it("warms up over 3 % of the steps when nothing else is said", () => {
    const rate = schedule({ peak: 3, totalSteps: 100 });

    expect([0, 1, 2, 3].map(rate)).toEqual([0, 1, 2, 3]);
  });

  it.each([
    { peak: -1, totalSteps: 10 },
    { peak: Number.NaN, totalSteps: 10 },
    { peak: Number.POSITIVE_INFINITY, totalSteps: 10 },
    { peak: 1, totalSteps: 0 },
    { peak: 1, totalSteps: 1.5 },
    { peak: 1, totalSteps: 10, warmupRatio: 1.1 },
  ])("refuses %o", (options) => {
    expect(() => schedule(options)).toThrow(/learning-rate schedule: expected a rate of 0 or more/);
  });
});
