import { expect, test } from "vitest";
import { flopsOfStep, kindsToMeasure, secondsOfStep, stepEfficiency, type WorkItem } from "./time-estimate.ts";

const item = (shape: number, latents: number, steps: number, flops: number): WorkItem => ({
  ...{ phase: 0, shape, latents, steps, flops },
});
const items = [item(0, 4, 30, 10), item(0, 16, 30, 20), item(1, 4, 10, 40), item(1, 16, 10, 80)];
const measured = (seconds: number[]) => items.map((each, index) => ({ ...each, seconds: seconds[index]! }));

test("a step takes the mean of its kinds by how often they occur", () => {
  expect(secondsOfStep(items, measured([1, 2, 3, 4]))).toBeCloseTo((30 * 1 + 30 * 2 + 10 * 3 + 10 * 4) / 80, 12);
  expect(flopsOfStep(items)).toBe((300 + 600 + 400 + 800) / 80);
});

test("a kind that was not measured runs at the speed of the nearest Q of its shape", () => {
  const [first, , third] = measured([1, 0, 3, 0]);

  expect(secondsOfStep(items, [first!, third!])).toBeCloseTo((30 * 1 + 30 * 2 + 10 * 3 + 10 * 6) / 80, 12);
});

test("of many kinds those of the smallest, the middle and the largest Q are measured", () => {
  const many = [1, 4, 9, 16, 25].map((latents) => item(0, latents, 1, latents));

  expect(kindsToMeasure(many, 5)).toHaveLength(5);
  expect(kindsToMeasure(many, 4).map(({ latents }) => latents)).toEqual([1, 9, 25]);
});

test("a wide model comes nearer to the matrix peak", () => {
  const of = (hiddenSize: number) => stepEfficiency({ language: { hiddenSize } as never });

  expect(of(160)).toBeCloseTo(0.286, 3);
  expect(of(320)).toBeCloseTo(0.444, 3);
  expect(of(3072)).toBe(0.66);
});
