import { createRandom } from "../tensor/index.ts";

const colours = [
  "red",
  "green",
  "blue",
  "yellow",
  "orange",
  "purple",
  "pink",
  "brown",
  "black",
  "white",
  "grey",
  "cyan",
];
const sizes = ["small", "large", "tiny", "huge", "big", "little"];
const shapes = [
  "circle",
  "square",
  "triangle",
  "star",
  "heart",
  "ring",
  "cross",
  "rectangle",
  "oval",
  "diamond",
  "arrow",
];
const things = [
  "cat",
  "dog",
  "bird",
  "fish",
  "horse",
  "tree",
  "flower",
  "house",
  "car",
  "bus",
  "bicycle",
  "boat",
  "train",
  "plane",
  "cup",
  "bottle",
  "book",
  "chair",
  "table",
  "lamp",
  "clock",
  "phone",
  "key",
  "umbrella",
  "hat",
  "shoe",
  "ball",
  "apple",
  "banana",
  "cake",
  "bread",
  "cloud",
  "sun",
  "moon",
  "mountain",
  "person",
] as const;
const places = [
  "kitchen",
  "street",
  "park",
  "beach",
  "forest",
  "garden",
  "room",
  "field",
  "city",
  "farm",
  "sea",
  "sky",
];
const relations = [
  "left of",
  "right of",
  "above",
  "below",
  "next to",
  "in front of",
  "behind",
  "under",
  "on top of",
  "between",
];
const numbers = [
  "no",
  "one",
  "two",
  "three",
  "four",
  "five",
  "six",
  "seven",
  "eight",
  "nine",
  "ten",
  "0",
  "1",
  "2",
  "3",
  "4",
  "5",
  "6",
  "7",
  "8",
  "9",
];
const words = ["OPEN", "STOP", "EXIT", "SALE", "HELLO", "WORLD", "TAXI", "CAFE", "BANK", "PARK", "LOVE", "HOME"];

/** `{name}` takes a word of that list; sentences of the five kinds of the paper's synthesis (3.4), and talk about pictures. */
const sentences = [
  "What colour is the {thing}?",
  "The {thing} is {colour}.",
  "It is {colour}.",
  "Is the {shape} {colour}? Yes.",
  "No, it is {colour}.",
  "How many {thing}s are there?",
  "There are {number} {thing}s in the picture.",
  "{number} {colour} {shape}s are visible.",
  "Where is the {thing}?",
  "The {thing} is {relation} the {colour} {shape}.",
  "What is {relation} the {thing}? A {size} {thing}.",
  "What does the sign say?",
  'The text in the picture says "{word}".',
  "The word {word} is written in {colour} letters.",
  "What kind of place is this?",
  "This is a {place} with a {thing} and a {size} {colour} {shape}.",
  "The background is {colour}.",
  "Describe the image.",
  "What is in the picture?",
  "A {size} {colour} {thing} stands {relation} a {thing} in the {place}.",
  "Which object is {relation} the {shape}?",
  "Answer with a single word.",
  "Can you see a {thing}? I can see a {colour} {thing}.",
  "In this image, {number} {size} {shape}s are arranged {relation} the {thing}; the {place} behind them is {colour}.",
];

const lists: Readonly<Record<string, readonly string[]>> = {
  colour: colours,
  size: sizes,
  shape: shapes,
  thing: things,
  place: places,
  relation: relations,
  number: numbers,
  word: words,
};

/**
 * Sentences about simple pictures, written by a small grammar: what the tokenizer of a model that starts at random learns
 * from, without any download.
 *
 * @param count - sentences
 */
export function* embeddedCorpus(count = 20_000, seed = 0): Generator<string> {
  const random = createRandom(seed, "embedded-corpus");
  const choose = (list: readonly string[]) => list[Math.floor(random() * list.length)]!;
  for (let i = 0; i < count; i++) {
    yield choose(sentences).replace(/\{(\w+)\}/g, (_, name: string) => choose(lists[name]!));
  }
}
