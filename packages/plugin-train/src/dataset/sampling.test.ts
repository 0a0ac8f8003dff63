import { createRandom } from "@fusion-vlm/core";
import { describe, expect, test } from "vitest";
import { chosenAhead, chosenRecords, parseSampling, samplingText } from "./sampling.ts";

/** The chosen places among a number of records. */
function chosen(text: string, total: number, seed = 0): number[] {
  return [...chosenRecords(parseSampling(text)!, total, createRandom(seed, "test"))];
}

test.each([
  ["all", 3, [0, 1, 2]],
  ["first:2", 5, [0, 1]],
  ["end:2", 5, [3, 4]],
  ["first:9", 3, [0, 1, 2]],
  ["end:9", 3, [0, 1, 2]],
  ["random:9", 3, [0, 1, 2]],
  ["first:40%", 5, [0, 1]],
  ["end:40%", 5, [3, 4]],
  ["first:41%", 5, [0, 1, 2]],
  ["end:1%", 5, [4]],
  ["random:100%", 4, [0, 1, 2, 3]],
  ["first:1%", 0, []],
])("%s of %d records: %j", (text, total, places) => {
  expect(chosen(text, total)).toEqual(places);
});

test.each([
  ["random:12", 12],
  ["random:12%", 24],
  ["random:33%", 66],
])("%s of 200 records are as many different ones, which the seed decides", (text, count) => {
  const places = chosen(text, 200, 1);

  expect(places).toHaveLength(count);
  expect(places).toEqual([...new Set(places)].toSorted((a, b) => a - b));
  expect(chosen(text, 200, 1)).toEqual(places);
  expect(chosen(text, 200, 2)).not.toEqual(places);
});

test("random draws no record more often than another", () => {
  const counts = new Array<number>(10).fill(0);
  for (let seed = 0; seed < 3000; seed++) for (const place of chosen("random:3", 10, seed)) counts[place]! += 1;

  // 900 each, standard deviation 25.
  for (const count of counts) expect(Math.abs(count - 900)).toBeLessThan(125);
});

describe("a strategy", () => {
  test.each(["all", "first:1", "end:12%", "random:100%", "random:3000000"])("is written as it is read: %s", (text) => {
    expect(samplingText(parseSampling(text)!)).toBe(text);
  });

  test.each([
    "",
    "All",
    "first",
    "first:",
    "first:0",
    "first:-1",
    "first:1.5",
    "first:0%",
    "end:101%",
    "last:3",
    "random: 3",
  ])("is not %j", (text) => {
    expect(parseSampling(text)).toBeUndefined();
  });

  test("is told before the file has been counted where that can be", () => {
    const ahead = ["all", "first:5", "first:5%", "end:5", "random:5"].map((text) => chosenAhead(parseSampling(text)!));

    expect(ahead).toEqual([Number.POSITIVE_INFINITY, 5, undefined, undefined, undefined]);
  });
});
