import { describe, expect, test } from "vitest";
import { type Point, smoothed, thinned } from "./curve.ts";

const points = (values: number[]): Point[] => values.map((value, index) => [index, value]);
const values = (curve: readonly Point[]) => curve.map(([, value]) => value);

describe("smoothed", () => {
  test("a span of one gives the points themselves", () => {
    expect(smoothed(points([3, 1, 2]), 1)).toEqual(points([3, 1, 2]));
  });

  test("a spike leaves no trace, a step stays a step", () => {
    expect(values(smoothed(points([1, 1, 1, 90, 1, 1, 1]), 3))).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect(values(smoothed(points([5, 5, 5, 1, 1, 1]), 3))).toEqual([5, 5, 5, 1, 1, 1]);
  });

  test("points that are no number do not count", () => {
    expect(values(smoothed(points([2, Number.NaN, 4, Number.POSITIVE_INFINITY, 6]), 3))).toEqual([2, 3, 4, 5, 6]);
  });

  test("keeps both ends of a long curve, in at most 501 places", () => {
    const curve = smoothed(points(Array.from({ length: 12_345 }, (_, step) => step)), 3);

    expect(curve.length).toBe(501);
    expect([curve[0], curve.at(-1)]).toEqual([
      [0, 0],
      [12_344, 12_343.5],
    ]);
  });

  test("nothing stays nothing", () => {
    expect(smoothed([], 5)).toEqual([]);
  });
});

describe("thinned", () => {
  test("keeps ends, peaks and valleys of a long curve", () => {
    const curve = points(Array.from({ length: 20_000 }, (_, step) => (step === 7777 ? 50 : step === 8888 ? -50 : 1)));

    const thin = thinned(curve);

    expect(thin.length).toBeLessThanOrEqual(2000);
    expect(thin).toContainEqual([7777, 50]);
    expect(thin).toContainEqual([8888, -50]);
    expect([thin[0], thin.at(-1)]).toEqual([curve[0], curve.at(-1)]);
  });

  test("leaves a short curve alone", () => {
    expect(thinned(points([1, 2, 3]))).toEqual(points([1, 2, 3]));
  });
});
