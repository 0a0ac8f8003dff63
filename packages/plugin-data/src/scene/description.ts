import { plural, withArticle } from "../grammar/index.ts";
import { backgroundOf, colourOf, type Group, type Party, type Relation, type Scene } from "./scene.ts";

const numbers = ["no", "one", "two", "three", "four", "five"];

/**
 * The scene in words: everything of it that a question may ask for, in a fixed wording.
 *
 *     The picture is on a meadow. It shows a large red circle and three small dogs. The circle is left of the dogs. The word
 *     "SUN" is written in blue at the top.
 */
export function descriptionOf(scene: Scene): string {
  const { background, groups, word, relations } = scene;
  return [
    `The picture is ${backgroundOf(background).phrase}.`,
    groups.length > 0 && `It shows ${listOf(groups.map((group) => nameGroup(group, { size: true })))}.`,
    ...relations.filter(isBetweenGroups).map((relation) => `${capital(sayRelation(scene, relation))}.`),
    word && `The word "${word.text}" is written in ${word.colour} ${positions[word.position]}.`,
  ]
    .filter(Boolean)
    .join(" ");
}

export const positions = { top: "at the top", middle: "in the middle", bottom: "at the bottom" } as const;

export function isBetweenGroups({ first, second }: Relation): boolean {
  return first !== "word" && second !== "word";
}

/** `the circle is left of the dogs`, or from the other side: `the dogs are right of the circle`. */
export function sayRelation(scene: Scene, { relation, first, second }: Relation, fromSecond = false): string {
  const [subject, object] = fromSecond ? [second, first] : [first, second];
  const word = { left: ["left of", "to the right of"], above: ["above", "below"] }[relation][fromSecond ? 1 : 0];
  return `${theParty(scene, subject)} ${isSeveral(scene, subject) ? "are" : "is"} ${word} ${theParty(scene, object)}`;
}

/** `the circle`, `the dogs`, `the word`. */
export function theParty(scene: Scene, party: Party): string {
  if (party === "word") return "the word";
  return `the ${isSeveral(scene, party) ? plural(party) : party}`;
}

export function isSeveral({ groups }: Scene, party: Party): boolean {
  return groups.some(({ thing, squares }) => thing.name === party && squares.length > 1);
}

/** `a large red circle`, `three dogs`. */
export function nameGroup({ thing, size, squares }: Group, { size: withSize = false } = {}): string {
  const count = squares.length;
  const words = [withSize && size, colourOf(thing), count > 1 ? plural(thing.name) : thing.name]
    .filter(Boolean)
    .join(" ");
  return count > 1 ? `${numbers[count]} ${words}` : withArticle(words);
}

/** `a, b and c`. */
export function listOf(parts: readonly string[]): string {
  return parts.length < 2 ? (parts[0] ?? "") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
