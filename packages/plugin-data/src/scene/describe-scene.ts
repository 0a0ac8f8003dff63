import { internalError } from "@fusion-vlm/core";
import {
  type Colour,
  colourNames,
  iconNames,
  isShape,
  placeNames,
  plainNames,
  shapes,
  type ThingName,
} from "../grammar/index.ts";
import { below, chance, pick, type Random } from "../random/random.ts";
import { combination, combinationsOf, splitOf } from "./combinations.ts";
import { drawLayout, type Layout } from "./layouts.ts";
import {
  backgroundOf,
  type Group,
  type Relation,
  type Scene,
  type SceneBackground,
  type Split,
  type Thing,
} from "./scene.ts";
import { drawWord } from "./written-word.ts";

/** Several times what the rarest layout that can be filled needs; a few cannot be, as no held-out combinations fit together. */
const attemptsPerLayout = 3000;
const mostLayouts = 500;

/**
 * Draws the description of a picture of one split: what is in it, where, and on what background.
 *
 * Every combination of it (combinationsOf) belongs to the split, and there is at least one. Layouts and
 * backgrounds are about as frequent in both splits: they are drawn first, then filled until the combinations are right.
 */
export function describeScene(random: Random, split: Split = "train"): Scene {
  for (let drawn = 0; drawn < mostLayouts; drawn++) {
    const layout = drawLayout(random);
    const background = drawBackground(random);
    for (let attempt = 0; attempt < attemptsPerLayout; attempt++) {
      const scene = fillLayout(random, split, layout, background);
      if (scene && isOfSplit(scene)) return scene;
    }
  }
  throw internalError("describeScene", `no ${split} scene in ${mostLayouts} layouts`);
}

/** True when every combination of the scene belongs to its split, and it has one. */
export function isOfSplit(scene: Scene): boolean {
  const combinations = combinationsOf(scene);
  return combinations.length > 0 && combinations.every((name) => splitOf(name) === scene.split);
}

function drawBackground(random: Random): SceneBackground {
  return chance(random, 0.6) ? { place: pick(random, placeNames) } : { plain: pick(random, plainNames) };
}

/** Undefined when the background leaves no thing or colour that is allowed. */
function fillLayout(random: Random, split: Split, layout: Layout, background: SceneBackground): Scene | undefined {
  const groups: Group[] = [];
  for (const { size, squares } of layout.groups) {
    const used = groups.map(({ thing }) => thing.name);
    const thing = drawThing(random, split, { background, count: squares.length, used });
    if (!thing) return undefined;
    groups.push({ thing, size, squares });
  }
  const named = layout.relations.map(
    ({ relation, first, second }): Relation => ({
      relation,
      first: groups[first]!.thing.name,
      second: groups[second]!.thing.name,
    }),
  );
  if (!layout.word) return { split, background, groups, relations: named };

  const free = colourNames.filter((colour) => !backgroundOf(background).avoid.includes(colour));
  const word = {
    text: drawWord(random, split),
    colour: pick(random, free),
    tint: below(random, 3),
    position: layout.word,
  };
  const withWord = groups.map(
    ({ thing: { name } }): Relation =>
      word.position === "top"
        ? { relation: "above", first: "word", second: name }
        : { relation: "above", first: name, second: "word" },
  );
  return { split, background, groups, word, relations: [...named, ...withWord] };
}

interface Surroundings {
  readonly background: SceneBackground;
  readonly count: number;
  readonly used: readonly ThingName[];
}

function drawThing(random: Random, split: Split, around: Surroundings): Thing | undefined {
  const names = (chance(random, 0.5) ? shapes : iconNames).filter((name: ThingName) => mayStand(name, split, around));
  if (names.length === 0) return undefined;
  const name = pick<ThingName>(random, names);
  if (!isShape(name)) return { name, flipped: chance(random, 0.5) };
  const { avoid } = backgroundOf(around.background);
  const free = (colour: Colour) => !avoid.includes(colour) && splitOf(combination.colour(colour, name)) === split;
  const colours = colourNames.filter(free);
  return colours.length === 0 ? undefined : { name, colour: pick(random, colours), tint: below(random, 3) };
}

function mayStand(name: ThingName, split: Split, { background, count, used }: Surroundings): boolean {
  return (
    !used.includes(name) &&
    !backgroundOf(background).without.includes(name) &&
    (count === 1 || splitOf(combination.count(count, name)) === split) &&
    (!("place" in background) || splitOf(combination.place(background.place, name)) === split)
  );
}
