import { describe, expect, test } from "vitest";
import { ThinnedCurve } from "./thinned-curve.ts";

const curveOf = (values: readonly number[], limit?: number) => {
  const curve = new ThinnedCurve(limit);
  for (const [index, value] of values.entries()) curve.add(index, value);
  return curve;
};

describe("ThinnedCurve", () => {
  test("keeps a short curve as it is", () => {
    expect(curveOf([5, 3, 4]).points).toEqual([
      [0, 5],
      [1, 3],
      [2, 4],
    ]);
  });

  test("makes neighbours their average, in both directions, when there are too many", () => {
    const curve = curveOf([1, 3, 10, 20, 7], 4);

    expect(curve.width).toBe(2);
    expect(curve.points).toEqual([
      [0.5, 2],
      [2.5, 15],
      [4, 7],
    ]);
  });

  test("stays bounded and in order over a million points, with the average of all of them", () => {
    const curve = curveOf(Array.from({ length: 1_000_000 }, (_, index) => index % 10));

    const { points } = curve;

    expect(points.length).toBeLessThanOrEqual(600);
    expect(points.length).toBeGreaterThan(300);
    expect(points.every(([x], index) => index === 0 || x > points[index - 1]![0])).toBe(true);
    expect(points.every(([, y]) => Math.abs(y - 4.5) < 0.1)).toBe(true);
  });

  test("points far apart keep their places", () => {
    const curve = new ThinnedCurve(3);
    for (const x of [1000, 2000, 3000, 4000]) curve.add(x, x);

    expect(curve.size).toBeLessThanOrEqual(3);
    expect(curve.points.at(-1)![0]).toBeGreaterThan(3000);
  });

  test("weighs, and leaves out what is no number", () => {
    const curve = new ThinnedCurve(1);
    curve.add(0, 1, 30);
    curve.add(1, 4, 10);
    curve.add(2, Number.NaN, 10);
    curve.add(3, 9, 0);

    expect(curve.points).toEqual([[1.5, 1.75]]);
  });

  test("where all were no number there is none", () => {
    expect(curveOf([Number.NaN]).points).toEqual([[0, Number.NaN]]);
  });

  test("goes on anew from an x that was there before", () => {
    const curve = curveOf([1, 2, 3, 4]);

    curve.add(2, 30);

    expect(curve.points).toEqual([
      [0, 1],
      [1, 2],
      [2, 30],
    ]);
  });

  test("the same points give the same curve, also after some were taken back", () => {
    const values = Array.from({ length: 5000 }, (_, index) => Math.sin(index));
    const straight = curveOf(values);
    const resumed = curveOf(values);
    const from = 4096; // where a bucket begins
    resumed.dropAfter(from - 1);
    for (const [index, value] of values.slice(from).entries()) resumed.add(from + index, value);

    expect(resumed.points.map(([x]) => x)).toEqual(straight.points.map(([x]) => x));
    // Sums of sums are rounded otherwise than sums.
    for (const [index, [, y]] of resumed.points.entries()) expect(y).toBeCloseTo(straight.points[index]![1], 12);
  });
});
