import { plural } from "../grammar/index.ts";
import { chance, pick, type Random } from "../random/random.ts";
import {
  combination,
  isSeveral,
  type Party,
  type Relation,
  relationBetween,
  type Scene,
  splitOf,
  theParty,
} from "../scene/index.ts";
import { type QuestionForm, yesNo } from "./question.ts";

type Direction = "left" | "right" | "above" | "below";

const opposite: Record<Direction, Direction> = { left: "right", right: "left", above: "below", below: "above" };

const said: Record<Direction, readonly string[]> = {
  left: ["left of", "to the left of"],
  right: ["right of", "to the right of"],
  above: ["above"],
  below: ["below"],
};

/** A relation of the scene, seen from one of its two sides. */
function drawRelation(
  { relations }: Scene,
  random: Random,
): { subject: Party; direction: Direction; object: Party } | undefined {
  if (relations.length === 0) return undefined;
  // Relations with the word go up and down only; asked less often, directions stay in balance.
  const withWord = ({ first, second }: Relation) => first === "word" || second === "word";
  const [words, things] = [relations.filter(withWord), relations.filter((relation) => !withWord(relation))];
  const list = things.length === 0 || (words.length > 0 && chance(random, 0.15)) ? words : things;
  const { relation, first, second } = pick(random, list);
  return chance(random, 0.5)
    ? { subject: first, direction: relation, object: second }
    : { subject: second, direction: opposite[relation], object: first };
}

const isParty = (scene: Scene, party: Party) => `${isSeveral(scene, party) ? "are" : "is"} ${theParty(scene, party)}`;

export const spatialQuestions: readonly QuestionForm[] = [
  {
    name: "where is it",
    weight: 3,
    ask: (scene, random) => {
      const drawn = drawRelation(scene, random);
      if (!drawn) return undefined;
      const [subject, object] = [isParty(scene, drawn.subject), theParty(scene, drawn.object)];
      const question = pick(random, [
        `Where ${subject} relative to ${object}?`,
        `Where ${subject}, seen from ${object}?`,
        `In which direction from ${object} ${subject}?`,
        `On which side of ${object} ${subject}?`,
      ]);
      return { question, answer: drawn.direction };
    },
  },
  {
    name: "what is there",
    weight: 4,
    ask: (scene, random) => {
      const drawn = drawRelation(scene, random);
      if (!drawn || drawn.subject === "word") return undefined;
      const { subject, direction, object } = drawn;
      const inDirection = scene.relations.filter(({ relation, first, second }) =>
        direction === relation ? second === object : direction === opposite[relation] && first === object,
      );
      if (inDirection.length > 1) return undefined;
      // In a grid another object is on that side too, one row or column further.
      const directly = scene.groups.length > 2 ? "directly " : "";
      const where = `${directly}${pick(random, said[direction])} ${theParty(scene, object)}`;
      const question = pick(random, [
        `What is ${where}?`,
        `What can you see ${where}?`,
        `Which object is ${where}?`,
        `Name what is ${where}.`,
      ]);
      return { question, answer: isSeveral(scene, subject) ? plural(subject) : subject };
    },
  },
  {
    name: "is it there",
    weight: 2.5,
    ask: (scene, random) => {
      const drawn = drawRelation(scene, random);
      if (!drawn) return undefined;
      const { subject, direction, object } = drawn;
      const wrong = opposite[direction];
      if (splitOf(combination.relation(relationBetween(subject, wrong, object))) !== scene.split) return undefined;
      const yes = chance(random, 0.5);
      const where = `${pick(random, said[yes ? direction : wrong])} ${theParty(scene, object)}`;
      const [verb, name] = [isSeveral(scene, subject) ? "Are" : "Is", theParty(scene, subject)];
      const question = pick(random, [`${verb} ${name} ${where}?`, `${verb} ${name} somewhere ${where}?`]);
      return { question, answer: yesNo(yes) };
    },
  },
  {
    name: "which of two sides",
    weight: 1,
    ask: (scene, random) => {
      const drawn = drawRelation(scene, random);
      if (!drawn) return undefined;
      const { subject, direction, object } = drawn;
      const sides = direction === "left" || direction === "right" ? "left or right of" : "above or below";
      const verb = isSeveral(scene, subject) ? "Are" : "Is";
      const question = `${verb} ${theParty(scene, subject)} ${sides} ${theParty(scene, object)}?`;
      return { question, answer: direction };
    },
  },
];
