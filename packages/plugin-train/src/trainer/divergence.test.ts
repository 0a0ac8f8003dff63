import { expect, test } from "vitest";
import { DivergenceGuard } from "./divergence.ts";

const step = (loss: number, gradientNorm = 1) => ({
  ...{ loss, gradientNorm, answer: loss, visionToText: 0, textToVision: 0, answerLosses: [] },
});

function after(losses: readonly number[], factor = 3): DivergenceGuard {
  const guard = new DivergenceGuard(factor);
  for (const loss of losses) expect(guard.check(step(loss))).toBeUndefined();
  return guard;
}

const steady = Array.from({ length: 50 }, (_, index) => 1 + index / 100);

test("a loss or a gradient that is no number is told by its name", () => {
  expect(after([]).check(step(Number.NaN))).toBe("loss is NaN");
  expect(after([]).check(step(1, Number.POSITIVE_INFINITY))).toBe("gradient norm is Infinity");
});

test("a spike is three times the largest of the last fifty, once there are fifty", () => {
  expect(after(steady).check(step(4.48))).toMatch(/^loss 4\.480 is more than 3 times the largest of the last 50$/);
  expect(after(steady).check(step(4.46))).toBeUndefined();
  expect(after(steady.slice(1)).check(step(100))).toBeUndefined();
});

test("a small loss is no spike, whatever it was before", () => {
  expect(after(steady.map((loss) => loss / 100)).check(step(0.9))).toBeUndefined();
});

test("no spike is told where none is asked for", () => {
  expect(after(steady, 0).check(step(1e6))).toBeUndefined();
});

test("a batch that is left out does not raise the bar for the next", () => {
  const guard = after(steady);
  expect(guard.check(step(50))).toBeDefined();
  expect(guard.check(step(50))).toBeDefined();
  expect(guard.recent).toHaveLength(50);
});
