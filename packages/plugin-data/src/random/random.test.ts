import { describe, expect, test } from "vitest";
import { createRandom, hashText, pickWeighted, shuffled } from "./random.ts";

describe("createRandom", () => {
  test("repeats itself for the same seed and stream, and for no other", () => {
    const draw = (seed: number, stream: string) => Array.from({ length: 5 }, createRandom(seed, stream)).join();

    expect(draw(1, "a")).toBe(draw(1, "a"));
    expect(new Set([draw(1, "a"), draw(1, "b"), draw(2, "a"), draw(2 ** 53 - 1, "a")]).size).toBe(4);
  });

  test("is uniform from 0 to below 1", () => {
    const random = createRandom(9);
    const tenths = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i++) tenths[Math.floor(10 * random())]!++;

    for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(400); // four standard deviations
  });
});

test("hashText spreads texts that differ in one letter over all residues", () => {
  const residues = new Set(Array.from({ length: 60 }, (_, i) => hashText(`word:${i}`, 1) % 5));

  expect(residues.size).toBe(5);
});

test("pickWeighted never takes what weighs nothing", () => {
  const random = createRandom(2);
  const picked = Array.from({ length: 500 }, () =>
    pickWeighted(random, [
      [0, "never"],
      [1, "a"],
      [3, "b"],
      [0, "last"],
    ]),
  );

  expect(new Set(picked)).toEqual(new Set(["a", "b"]));
  expect(picked.filter((one) => one === "b").length).toBeGreaterThan(330);
});

test("shuffled keeps all elements and leaves the list alone", () => {
  const list = [1, 2, 3, 4, 5, 6, 7, 8];
  const mixed = shuffled(createRandom(4), list);

  expect(mixed).not.toEqual(list);
  expect(mixed.toSorted()).toEqual(list);
  expect(list).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});
