import { expect, test } from "vitest";
import { createRandom, hashText, pickWeighted, shuffled } from "./random.ts";

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
