import { chance, pick, type Random } from "../random/random.ts";
import {
  backgroundOf,
  capital,
  descriptionOf,
  isBetweenGroups,
  listOf,
  nameGroup,
  positions,
  type Scene,
  sayRelation,
} from "../scene/index.ts";

/** What a caption answers. */
const instructions = [
  "Describe the image.",
  "Describe this picture.",
  "Write a caption for this image.",
  "What does the picture show?",
  "Tell me what you see.",
  "Give a short description of the picture.",
  "Please describe what is shown.",
];

/** An instruction to describe the picture, and what to say: all objects with their numbers and colours, the place, the word. */
export function captionOf(scene: Scene, random: Random): { readonly instruction: string; readonly caption: string } {
  return {
    instruction: pick(random, instructions),
    caption: chance(random, 0.2) ? descriptionOf(scene) : tell(scene, random),
  };
}

function tell(scene: Scene, random: Random): string {
  const { background, groups, word, relations } = scene;
  const { phrase } = backgroundOf(background);
  const inkOf = word && `the word "${word.text}" in ${word.colour}`;
  if (groups.length === 0) {
    return capital(
      `${pick(random, [`${inkOf} ${phrase}`, `a picture of ${inkOf} ${phrase}`, `${inkOf}, written ${phrase}`])}.`,
    );
  }
  const things = listOf(groups.map((group) => nameGroup(group, { size: chance(random, 0.3) })));
  const verb = groups[0]!.squares.length > 1 ? "are" : "is";
  const first = pick(random, [
    `${things} ${phrase}`,
    `there ${verb} ${things} ${phrase}`,
    `a picture of ${things} ${phrase}`,
    `${phrase} there ${verb} ${things}`,
    `the image shows ${things} ${phrase}`,
  ]);
  const between = relations.filter(isBetweenGroups);
  const relation =
    between.length > 0 && chance(random, 0.7) && sayRelation(scene, pick(random, between), chance(random, 0.5));
  const where = word && positions[word.position];
  const text =
    word &&
    pick(random, [
      `${inkOf} stands ${where}`,
      `${where} it says "${word.text}" in ${word.colour}`,
      `it says "${word.text}" ${where}`,
    ]);
  return [first, relation, text]
    .filter((part): part is string => typeof part === "string")
    .map((part) => `${capital(part)}.`)
    .join(" ");
}
