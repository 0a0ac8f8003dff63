import { isShape, type PlaceName, placeNames, places, plural, withArticle } from "../grammar/index.ts";
import { chance, pick, shuffled } from "../random/random.ts";
import { theParty } from "../scene/index.ts";
import { pickAbsent } from "./count-questions.ts";
import { type QuestionForm, yesNo } from "./question.ts";

export const sceneQuestions: readonly QuestionForm[] = [
  {
    name: "what place",
    topic: "place",
    weight: 3,
    ask: ({ background }, random) =>
      "place" in background
        ? {
            question: pick(random, [
              "What place is this?",
              "Which place does the picture show?",
              "What is in the background?",
              "What is the setting of the picture?",
            ]),
            answer: background.place,
          }
        : undefined,
  },
  {
    name: "is it that place",
    topic: "place",
    weight: 1,
    ask: ({ background }, random) => {
      if (!("place" in background)) return undefined;
      const yes = chance(random, 0.5);
      const others = placeNames.filter((name: PlaceName) => name !== background.place);
      const { phrase } = places[yes ? background.place : pick(random, others)];
      const question = pick(random, [
        `Is this ${phrase}?`,
        `Was this picture made ${phrase}?`,
        `Are we ${phrase} here?`,
      ]);
      return { question, answer: yesNo(yes) };
    },
  },
  {
    name: "what object",
    weight: 3,
    ask: ({ groups }, random) => {
      if (groups.length !== 1) return undefined;
      const [{ thing, squares }] = groups as [(typeof groups)[0]];
      const [one, answer] = [squares.length === 1, squares.length === 1 ? thing.name : plural(thing.name)];
      const what = isShape(thing.name) ? "shape" : "object";
      const question = one
        ? pick(random, [`What ${what} is in the picture?`, `Which ${what} do you see?`, `Name the ${what}.`])
        : pick(random, [`What ${what}s are in the picture?`, `Which ${what}s do you see?`, `Name the ${what}s.`]);
      return { question, answer };
    },
  },
  {
    name: "what else",
    weight: 2,
    ask: (scene, random) => {
      if (scene.groups.length !== 2) return undefined;
      const [known, asked] = shuffled(random, scene.groups) as [(typeof scene.groups)[0], (typeof scene.groups)[0]];
      const name = theParty(scene, known.thing.name);
      const question = pick(random, [
        `Besides ${name}, what else is there?`,
        `Which other object is there besides ${name}?`,
        `What stands together with ${name}?`,
      ]);
      return { question, answer: asked.squares.length > 1 ? plural(asked.thing.name) : asked.thing.name };
    },
  },
  {
    name: "is it there",
    weight: 2,
    ask: (scene, random, named) => {
      const present = scene.groups.map(({ thing }) => thing.name).filter((name) => !named.has(name));
      const absent = pickAbsent(scene, random, named);
      // Both answers must be possible before one is drawn, or the other would be the better guess.
      if (present.length === 0 || absent === undefined) return undefined;
      const yes = chance(random, 0.5);
      const name = yes ? pick(random, present) : absent;
      const one = withArticle(name);
      const question = pick(random, [
        `Is there ${one} in the picture?`,
        `Can you see ${one}?`,
        `Does the picture show ${one}?`,
      ]);
      return { question, answer: yesNo(yes) };
    },
  },
  {
    name: "which is larger",
    weight: 1.5,
    ask: (scene, random) => {
      const single = scene.groups.filter(({ squares }) => squares.length === 1);
      const [large, small] = (["large", "small"] as const).map((size) => single.find((group) => group.size === size));
      if (!large || !small) return undefined;
      const [first, second] = shuffled(random, [large, small]) as [typeof large, typeof large];
      const larger = chance(random, 0.5);
      const names = `${theParty(scene, first.thing.name)} or ${theParty(scene, second.thing.name)}`;
      const question = larger
        ? pick(random, [`Which is larger, ${names}?`, `What is bigger, ${names}?`])
        : pick(random, [`Which is smaller, ${names}?`, `Of ${names}, which is smaller?`]);
      return { question, answer: (larger ? large : small).thing.name };
    },
  },
];
