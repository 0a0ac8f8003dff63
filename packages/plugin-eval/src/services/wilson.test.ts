import { expect, test } from "vitest";
import { wilson } from "./wilson.ts";

// R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998), table I, method 3.
test.each([
  [81, 263, 0.2553, 0.3662],
  [15, 148, 0.0624, 0.1605],
  [0, 20, 0, 0.1611],
  [1, 29, 0.0061, 0.1718],
])("%d of %d lie between %d and %d", (successes, total, low, high) => {
  const interval = wilson(successes, total);

  expect(interval[0]).toBeCloseTo(low, 4);
  expect(interval[1]).toBeCloseTo(high, 4);
});

test("all right mirrors none right", () => {
  const [low, high] = wilson(20, 20);

  expect(high).toBe(1);
  expect(low).toBeCloseTo(1 - 0.1611, 4);
});

test("no trials say nothing", () => {
  expect(wilson(0, 0)).toEqual([0, 1]);
});
