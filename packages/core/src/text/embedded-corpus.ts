import { createRandom } from "../tensor/index.ts";

const list = (words: string) => words.trim().split(/\s+/);

const colours = list("red orange yellow green blue purple pink brown black white grey cyan");
const shapes = list("circle square triangle star heart ring cross diamond arrow rectangle oval");
const things = list(`
  cat dog cow pig rabbit frog panda fish duck penguin butterfly snail turtle crab elephant bird horse
  apple banana strawberry carrot cake mushroom cactus tree flower bread
  car bus bicycle plane rocket boat train house key umbrella bell guitar book balloon crown hat chair ball table lamp clock
  phone cup bottle shoe cloud sun moon mountain person
`);
const places = list("meadow beach sea snow sky space road room kitchen street park forest garden field city farm");
const onPlaces = [
  ...["on a meadow", "on a beach", "on the sea", "in the snow", "in the sky", "in space", "on a road", "in a room"],
  ...["in a kitchen", "in the street", "in a park", "in the forest", "in a garden", "in a city"],
];
const relations = ["left of", "right of", "to the left of", "to the right of", "above", "below", "next to", "behind"];
const directions = list("left right above below");
const numbers = list("zero one two three four five six seven eight nine ten");
const digits = list("0 1 2 3 4 5 6 7 8 9 10");
const positions = ["at the top", "at the bottom", "in the middle"];
const colourWords = list("colour colour colour color");
const answers = list("yes no");

const irregularPlurals: Readonly<Record<string, string>> = {
  cross: "crosses",
  fish: "fish",
  butterfly: "butterflies",
  strawberry: "strawberries",
  cactus: "cacti",
  bus: "buses",
  city: "cities",
  person: "people",
};
const plural = (word: string) => irregularPlurals[word] ?? `${word}s`;
const objects = [...shapes, ...things];

/**
 * What `{name}` takes a word from.
 *
 * Words written in pictures are left out on purpose: a token a letter lets a model read a word that it has never seen.
 */
const lists: Readonly<Record<string, readonly string[]>> = {
  c: colours,
  s: shapes,
  o: objects,
  os: objects.map(plural),
  ss: shapes.map(plural),
  p: places,
  on: onPlaces,
  r: relations,
  d: directions,
  n: numbers,
  i: digits,
  at: positions,
  colour: colourWords,
  yn: answers,
};

/**
 * Words that stand alone, as short answers do (one at the start of a text and one after a space are different tokens), sentences
 * of the five kinds of the paper's synthesis (3.4), and talk about pictures.
 */
const sentences = list(`
  {c} {o} {os} {s} {p} {d} {i} {n} {yn} {o} {os}
`).concat([
  "What {colour} is the {s}?",
  "Which {colour} are the {ss}?",
  "What is the {colour} of the {s}?",
  "Tell me the {colour} of the {o}.",
  "In which {colour} is the {s} drawn?",
  "In which {colour} is the text written? What {colour} are the letters?",
  "What {colour} is the background? Which {colour} is behind everything?",
  "Which shape is {c}?",
  "Name the {c} shape.",
  "What is the {c} shape? Is it a {s}?",
  "Is the {s} {c}? Are the {ss} in the picture {c}?",
  "It is {c}. They are {c}.",
  "How many {os} are there?",
  "How many {c} {ss} can you see?",
  "What is the number of {os}? Count the {os}.",
  "How many objects are there in total? How many things are in the picture altogether?",
  "Count all the objects.",
  "Are there exactly {n} {os} in the picture? Can you count {n} {os}?",
  "There are {n} {os} {on}.",
  "There is a {c} {s} and {n} {os} {on}.",
  "Where is the {o} relative to the {o}?",
  "Where are the {os}? Is the {o} {r} the {os}?",
  "Which object is {r} the {o}? What is {r} the {os}?",
  "Is the {o} to the left or to the right of the {o}? Is it above or below the {s}?",
  "The {o} is {r} the {os}. The {os} are {r} the {c} {s}.",
  "What does the sign say? Read the text. Which word is written in the picture?",
  "What is the first letter of the word? Which letter comes last? How many letters does it have?",
  "Is there a word in the picture? Is anything written in it?",
  'It says "A" in {c} {at}. The word "B" in {c} stands {at}.',
  'A picture of the word "C" in {c}, written {on}.',
  "What place is this? Which place does the picture show? What is the setting of the picture?",
  "This is a {p} with a large {o} and a small {c} {s}.",
  "Where was this picture taken? Which object is in the {p}?",
  "Which object is larger? Which one is smaller? Apart from the {o}, which object can you see?",
  "Is there a {o} in the picture? Can you see an {o}? Do you see any {os}?",
  "Describe the image. Describe this picture. Please describe what is shown.",
  "Write a caption for this image. Give a short description of the picture.",
  "What does the picture show? Tell me what you see. What is in the picture?",
  "A picture of a {o} and a {o} {on}. The image shows {n} {c} {ss} {on}.",
  "{on} there is a large {c} {s}, a small {o} and {n} {os}.",
  "You are a helpful AI assistant.",
  "Answer with a single word. I can see an {o} on a {c} background.",
  "In this image, {n} {os} stand {r} the {o}; the {p} behind them is {c}.",
]);

/**
 * Sentences about simple pictures, written by a small grammar: what the tokenizer of a model that starts at random learns
 * from, without any download.
 *
 * @param count - sentences
 */
export function* embeddedCorpus(count = 40_000, seed = 0): Generator<string> {
  const random = createRandom(seed, "embedded-corpus");
  const choose = (words: readonly string[]) => words[Math.floor(random() * words.length)]!;
  for (let i = 0; i < count; i++) {
    const sentence = choose(sentences).replace(/\{(\w+)\}/g, (_, name: string) => choose(lists[name]!));
    yield /\s/.test(sentence) ? sentence[0]!.toUpperCase() + sentence.slice(1) : sentence;
  }
}
