import { expect, test } from "vitest";
import { differences } from "./differences.ts";

test("equal values have none, whatever the order of their keys", () => {
  expect(differences({ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 })).toEqual([]);
  expect(differences({ a: 1 }, { a: 1, b: undefined })).toEqual([]);
});

test("leaves are named by their path, with both values", () => {
  const before = { stages: [{ learningRate: 1e-3, data: [{ file: "a" }] }], seed: 0 };
  const now = { stages: [{ learningRate: 2e-3, data: [{ file: "a" }, { file: "b" }] }] };

  expect(differences(before, now)).toEqual([
    { key: "stages[0].learningRate", before: "0.001", now: "0.002" },
    { key: "stages[0].data[1]", before: "nothing", now: '{"file":"b"}' },
    { key: "seed", before: "0", now: "nothing" },
  ]);
});

test("a list is not an object with the same keys", () => {
  expect(differences([1], { 0: 1 })).toEqual([{ key: "", before: "[1]", now: '{"0":1}' }]);
});
