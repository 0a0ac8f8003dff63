import { describe, expect, test } from "vitest";
import { axisFor, tickLabel } from "./axis.ts";

const labels = (values: number[], scale: "linear" | "log") => axisFor(values, scale).ticks.map(({ label }) => label);

describe("axisFor", () => {
  test.each([
    ["linear", [0, 4200], ["0", "1k", "2k", "3k", "4k"]],
    ["linear", [0.12, 0.58], ["0.2", "0.3", "0.4", "0.5"]],
    ["linear", [-1, 1], ["-1", "-0.5", "0", "0.5", "1"]],
    ["log", [0.2, 7], ["0.2", "0.5", "1", "2", "5"]],
    ["log", [0.08, 9], ["0.1", "0.3", "1", "3"]],
    ["log", [1e-6, 10], ["1e-6", "1e-5", "1e-4", "0.001", "0.01", "0.1", "1", "10"]],
    ["log", [0.83, 0.97], ["0.85", "0.9", "0.95"]],
  ] as const)("%s %j has the round numbers %j", (scale, values, expected) => {
    expect(labels([...values], scale)).toEqual(expected);
  });

  test("an axis of counts has no tick between whole numbers", () => {
    expect(axisFor([1, 3], "linear", { whole: true }).ticks.map(({ label }) => label)).toEqual(["1", "2", "3"]);
  });

  test("places numbers between its ends", () => {
    const linear = axisFor([10, 20], "linear");
    const log = axisFor([1, 100], "log");

    expect([10, 15, 20, 25].map(linear.position)).toEqual([0, 0.5, 1, 1.5]);
    expect([1, 10, 100].map(log.position)).toEqual([0, 0.5, 1]);
  });

  test("a logarithmic axis has no place for zero and less, which do not stretch it", () => {
    const axis = axisFor([0, -3, 1, 100], "log");

    expect(axis.position(0)).toBeNaN();
    expect(axis.position(10)).toBe(0.5);
  });

  test.each(["linear", "log"] as const)(
    "a %s axis of one number, of none, or of no finite ones still has ticks",
    (scale) => {
      for (const values of [[3], [], [Number.NaN, Number.POSITIVE_INFINITY]]) {
        const { ticks } = axisFor(values, scale);
        expect(ticks.length).toBeGreaterThan(1);
        expect(ticks.every(({ position }) => position >= -1e-6 && position <= 1 + 1e-6)).toBe(true);
      }
    },
  );
});

test.each([
  [0, "0"],
  [0.1 + 0.2, "0.3"],
  [1500, "1.5k"],
  [2_000_000, "2M"],
  [1e-7, "1e-7"],
  [1.5e-4, "1.5e-4"],
  [-0.0005, "-5e-4"],
])("%d is labelled %s", (value, label) => {
  expect(tickLabel(value)).toBe(label);
});
