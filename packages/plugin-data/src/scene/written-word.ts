import { colourNames, thingNames, words } from "../grammar/index.ts";
import { below, chance, pick, type Random } from "../random/random.ts";
import { combination, splitOf } from "./combinations.ts";
import type { Split } from "./scene.ts";

/** Of the words in pictures; the others are letters drawn one by one. */
const listed = 0.4;
const [shortest, longest] = [3, 5];
const firstLetter = "A".charCodeAt(0);

const isOf = (split: Split) => (word: string) => splitOf(combination.word(word)) === split;
const wordsOf: Record<Split, readonly string[]> = {
  train: words.filter(isOf("train")),
  heldout: words.filter(isOf("heldout")),
};

/** What a question might ask for besides reading. */
const numbers = ["one", "two", "three", "four", "five"];
const taken = new Set([...thingNames, ...colourNames, ...numbers].map((name) => name.toUpperCase()));

/**
 * A word to write: one of the list, or more often letters that mean nothing.
 *
 * A list alone is learned by heart, word by word; a model that can read no letter then reads most of it. There are twelve million of the
 * others.
 */
export function drawWord(random: Random, split: Split): string {
  if (chance(random, listed)) return pick(random, wordsOf[split]);
  return drawLetters(random, split, shortest + below(random, longest - shortest + 1));
}

/** A word that does not stand in the picture, as long as the one that does: a word of the list for one, letters for letters. */
export function drawOtherWord(random: Random, split: Split, word: string): string {
  const others = wordsOf[split].filter((other) => other !== word && other.length === word.length);
  if (words.includes(word)) return pick(random, others);
  for (;;) {
    const other = drawLetters(random, split, word.length);
    if (other !== word) return other;
  }
}

function drawLetters(random: Random, split: Split, length: number): string {
  for (;;) {
    const codes = Array.from({ length }, () => firstLetter + below(random, 26));
    const word = String.fromCharCode(...codes);
    if (isOf(split)(word) && !taken.has(word) && !words.includes(word)) return word;
  }
}
