import { plural, type ThingName, thingNames } from "../grammar/index.ts";
import { chance, pick, pickWeighted, type Random } from "../random/random.ts";
import { backgroundOf, colourOf, combination, type Group, type Scene, splitOf } from "../scene/index.ts";
import { type QuestionForm, yesNo } from "./question.ts";

const numbers = ["zero", "one", "two", "three", "four", "five"];

export const countQuestions: readonly QuestionForm[] = [
  {
    name: "how many of a thing",
    topic: "number",
    weight: 5,
    ask: (scene, random, named) => {
      // Single objects are in most pictures, absent ones absent from all: asked less often, so that there is no number to guess.
      const several = scene.groups.filter(({ squares }) => squares.length > 1);
      if (several.length === 0 && chance(random, 0.65)) return undefined;
      const absent = pickAbsent(scene, random, named);
      const drawn = pickWeighted<Group | undefined>(random, [
        ...scene.groups.map((group) => [group.squares.length > 1 ? 1 : 0.2, group] as const),
        [absent ? 0.17 : 0, undefined],
      ]);
      if (!drawn) return absent && { question: sayHowMany(random, plural(absent)), answer: "0" };
      const { thing, squares } = drawn;
      const colour = colourOf(thing);
      const things = colour && chance(random, 0.3) ? `${colour} ${plural(thing.name)}` : plural(thing.name);
      return { question: sayHowMany(random, things), answer: String(squares.length) };
    },
  },
  {
    name: "how many objects",
    topic: "number",
    weight: 1.5,
    ask: ({ groups, word }, random) => {
      const total = groups.reduce((sum, { squares }) => sum + squares.length, 0);
      // Whether a word is an object, people would not agree.
      if (word || total < 2) return undefined;
      const question = pick(random, [
        "How many objects are there in total?",
        "How many objects can you see?",
        "Count all the objects.",
        "How many things are in the picture altogether?",
      ]);
      return { question, answer: String(total) };
    },
  },
  {
    name: "is it that many",
    topic: "number",
    weight: 1.5,
    ask: (scene, random) => {
      const several = scene.groups.filter(({ squares }) => squares.length > 1);
      if (several.length === 0) return undefined;
      const { thing, squares } = pick(random, several);
      const wrong = [2, 3, 4, 5].filter(
        (count) => count !== squares.length && splitOf(combination.count(count, thing.name)) === scene.split,
      );
      if (wrong.length === 0) return undefined;
      const yes = chance(random, 0.5);
      const number = numbers[yes ? squares.length : pick(random, wrong)];
      const things = plural(thing.name);
      const question = pick(random, [
        `Are there ${number} ${things}?`,
        `Are there exactly ${number} ${things} in the picture?`,
        `Can you count ${number} ${things}?`,
      ]);
      return { question, answer: yesNo(yes) };
    },
  },
];

function sayHowMany(random: Random, things: string): string {
  return pick(random, [
    `How many ${things} are there?`,
    `How many ${things} are in the picture?`,
    `How many ${things} can you see?`,
    `What is the number of ${things}?`,
    `Count the ${things}.`,
  ]);
}

/** Something that is not in the picture and could be in a scene of this split, and has not been named. */
export function pickAbsent(
  { split, background, groups }: Scene,
  random: Random,
  named: ReadonlySet<ThingName>,
): ThingName | undefined {
  const present = groups.map(({ thing }) => thing.name);
  const absent = thingNames.filter(
    (name) =>
      !present.includes(name) &&
      !named.has(name) &&
      !backgroundOf(background).without.includes(name) &&
      (!("place" in background) || splitOf(combination.place(background.place, name)) === split),
  );
  return absent.length === 0 ? undefined : pick(random, absent);
}
