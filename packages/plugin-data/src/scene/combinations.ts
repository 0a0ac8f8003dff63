import type { Colour, PlaceName, Shape, ThingName } from "../grammar/index.ts";
import { hashText } from "../random/random.ts";
import { colourOf, type Party, type Relation, type Scene, type Split } from "./scene.ts";

/** One in so many combinations is held out. */
const heldOutOneIn = 4;

/** Of the first 4000, the one that spreads held-out combinations most evenly over colours, shapes, places and numbers. */
const salt = 3854;

/** Names of combinations: what is held out is a set of these. */
export const combination = {
  colour: (colour: Colour, shape: Shape) => `colour:${colour} ${shape}`,
  count: (count: number, name: ThingName) => `count:${count} ${name}`,
  place: (place: PlaceName, name: ThingName) => `place:${name} ${place}`,
  relation: ({ relation, first, second }: Relation) => `relation:${first} ${relation} ${second}`,
  word: (text: string) => `word:${text}`,
};

/**
 * The side on which a combination may occur. It depends on the combination alone, not on the seed: a model trained on one
 * dataset may be scored on the held-out scenes of any other.
 */
export function splitOf(combination: string): Split {
  return hashText(combination, salt) % heldOutOneIn === 0 ? "heldout" : "train";
}

/** The relation as it is said from the other side is the same one; this makes it from any of the four words. */
export function relationBetween(subject: Party, word: "left" | "right" | "above" | "below", object: Party): Relation {
  if (word === "left" || word === "above") return { relation: word, first: subject, second: object };
  return { relation: word === "right" ? "left" : "above", first: object, second: subject };
}

/** Every combination of a scene: shape with colour, number (above one) with object, place with object, relation with pair, word. */
export function combinationsOf({ background, groups, word, relations }: Scene): string[] {
  return [
    ...groups.flatMap(({ thing, squares }) => {
      const colour = colourOf(thing);
      return [
        ...(colour ? [combination.colour(colour, thing.name as Shape)] : []),
        ...(squares.length > 1 ? [combination.count(squares.length, thing.name)] : []),
        ...("place" in background ? [combination.place(background.place, thing.name)] : []),
      ];
    }),
    ...relations.map(combination.relation),
    ...(word ? [combination.word(word.text)] : []),
  ];
}
