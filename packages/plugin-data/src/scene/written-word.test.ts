import { expect, test } from "vitest";
import { words } from "../grammar/index.ts";
import { createRandom } from "../random/random.ts";
import { combination, splitOf } from "./combinations.ts";
import { drawOtherWord, drawWord } from "./written-word.ts";

const drawn = (split: "train" | "heldout", count = 2000) => {
  const random = createRandom(3, split);
  return Array.from({ length: count }, () => drawWord(random, split));
};

test.each(["train", "heldout"] as const)(
  "words of the %s split are of that split, of three to five capital letters",
  (split) => {
    for (const word of drawn(split)) {
      expect(word).toMatch(/^[A-Z]{3,5}$/);
      expect(splitOf(combination.word(word))).toBe(split);
    }
  },
);

test("more than half of them are no words, and hardly ever the same twice; every letter stands at every place", () => {
  const letters = drawn("train").filter((word) => !words.includes(word));

  expect(letters.length / 2000).toBeGreaterThan(0.55);
  expect(new Set(letters).size / letters.length).toBeGreaterThan(0.95);
  for (const place of [0, 1, 2]) expect(new Set(letters.map((word) => word[place])).size).toBe(26);
});

test("another word is as long, of the same split, and another one", () => {
  const random = createRandom(4);
  for (const word of drawn("heldout", 300)) {
    const other = drawOtherWord(random, "heldout", word);
    expect(other).not.toBe(word);
    expect([other.length, splitOf(combination.word(other))]).toEqual([word.length, "heldout"]);
    expect(words.includes(other)).toBe(words.includes(word));
  }
});
