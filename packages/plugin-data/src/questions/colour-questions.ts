import { type Colour, colourNames, type Shape } from "../grammar/index.ts";
import { chance, pick, type Random } from "../random/random.ts";
import { colourOf, combination, type Group, type Scene, splitOf, theParty } from "../scene/index.ts";
import { type QuestionForm, yesNo } from "./question.ts";

/** Both spellings, as users have both. */
const colourWord = (random: Random) => (chance(random, 0.25) ? "color" : "colour");

/** `is the circle`, `are the circles`. */
const isThe = (scene: Scene, { thing, squares }: Group) =>
  `${squares.length > 1 ? "are" : "is"} ${theParty(scene, thing.name)}`;

const shapesOf = ({ groups }: Scene) => groups.filter(({ thing }) => colourOf(thing) !== undefined);

export const colourQuestions: readonly QuestionForm[] = [
  {
    name: "colour of a shape",
    weight: 4,
    ask: (scene, random) => {
      const shapes = shapesOf(scene);
      if (shapes.length === 0) return undefined;
      const group = pick(random, shapes);
      const colour = colourWord(random);
      const name = theParty(scene, group.thing.name);
      const question = pick(random, [
        `What ${colour} ${isThe(scene, group)}?`,
        `Which ${colour} ${isThe(scene, group)}?`,
        `What is the ${colour} of ${name}?`,
        `Tell me the ${colour} of ${name}.`,
        `In which ${colour} ${isThe(scene, group)} drawn?`,
      ]);
      return { question, answer: colourOf(group.thing)! };
    },
  },
  {
    name: "shape of a colour",
    weight: 2,
    ask: (scene, random) => {
      const shapes = shapesOf(scene);
      const unique = shapes.filter(
        ({ thing, squares }) =>
          squares.length === 1 && shapes.filter((other) => colourOf(other.thing) === colourOf(thing)).length === 1,
      );
      if (unique.length === 0) return undefined;
      const { thing } = pick(random, unique);
      const colour = colourOf(thing);
      const question = pick(random, [
        `Which shape is ${colour}?`,
        `What is the ${colour} shape?`,
        `Name the ${colour} shape.`,
      ]);
      return { question, answer: thing.name };
    },
  },
  {
    name: "colour of the background",
    weight: 2,
    ask: ({ background }, random) => {
      if (!("plain" in background)) return undefined;
      const colour = colourWord(random);
      const question = pick(random, [
        `What ${colour} is the background?`,
        `What is the ${colour} of the background?`,
        `Which ${colour} is behind everything?`,
      ]);
      return { question, answer: background.plain };
    },
  },
  {
    name: "colour of the word",
    weight: 2,
    ask: ({ word }, random) => {
      if (!word) return undefined;
      const colour = colourWord(random);
      const question = pick(random, [
        `What ${colour} is the word?`,
        `What ${colour} are the letters?`,
        `In which ${colour} is the text written?`,
        `What is the ${colour} of the text?`,
      ]);
      return { question, answer: word.colour };
    },
  },
  {
    name: "is a shape of a colour",
    weight: 2,
    ask: (scene, random) => {
      const shapes = shapesOf(scene);
      if (shapes.length === 0) return undefined;
      const group = pick(random, shapes);
      const right = colourOf(group.thing)!;
      // Wrong colours are of the same split, so that the combination alone does not tell the answer.
      const allowed = (colour: Colour) =>
        splitOf(combination.colour(colour, group.thing.name as Shape)) === scene.split;
      const wrong = colourNames.filter((colour) => colour !== right && allowed(colour));
      if (wrong.length === 0) return undefined;
      const yes = chance(random, 0.5);
      const colour = yes ? right : pick(random, wrong);
      const [verb, name] = [group.squares.length > 1 ? "Are" : "Is", theParty(scene, group.thing.name)];
      const question = pick(random, [`${verb} ${name} ${colour}?`, `${verb} ${name} in the picture ${colour}?`]);
      return { question, answer: yesNo(yes) };
    },
  },
];
