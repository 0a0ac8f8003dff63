import { expect, test } from "vitest";
import { lookUp } from "./prompt-lookup.ts";

test("proposes what followed the last ids before", () => {
  expect(lookUp([1, 2, 3, 4, 5, 9, 2, 3], { most: 2 })).toEqual([4, 5]);
});

test("prefers the longer run, and of equal ones the later", () => {
  expect(lookUp([1, 2, 3, 7, 0, 2, 3, 8, 0, 1, 2, 3], { most: 1 })).toEqual([7]);
  expect(lookUp([2, 3, 7, 0, 2, 3, 8, 0, 2, 3], { most: 1 })).toEqual([8]);
});

test("goes on into the run itself where that repeats", () => {
  expect(lookUp([5, 5, 5, 5], { most: 3 })).toEqual([5]);
  expect(lookUp([1, 2, 1, 2, 1, 2], { most: 4 })).toEqual([1, 2]);
});

test("proposes nothing for what is new, for a single id that recurs, and for almost nothing", () => {
  expect(lookUp([1, 2, 3, 4])).toEqual([]);
  expect(lookUp([1, 2, 3, 1])).toEqual([]);
  expect(lookUp([1])).toEqual([]);
  expect(lookUp([])).toEqual([]);
});
