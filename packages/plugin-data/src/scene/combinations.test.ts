import { describe, expect, test } from "vitest";
import { colourNames, placeNames, plainNames, thingNames, words } from "../grammar/index.ts";
import { createRandom } from "../random/random.ts";
import { combinationsOf, describeScene, type Split, splitOf } from "./index.ts";

const scenesOf = (split: Split, seed: number, count: number) =>
  Array.from({ length: count }, (_, i) => describeScene(createRandom(seed, `${split}/${i}`), split));

const train = scenesOf("train", 1, 4000);
const heldout = [...scenesOf("heldout", 1, 400), ...scenesOf("heldout", 2, 200)];

describe("the held-out split", () => {
  test("shares no combination with training, whatever the seed", () => {
    const trained = new Set(train.flatMap(combinationsOf));
    const shared = heldout.flatMap(combinationsOf).filter((name) => trained.has(name));

    expect(trained.size).toBeGreaterThan(2000);
    expect(shared).toEqual([]);
    for (const scene of heldout) expect(combinationsOf(scene).length).toBeGreaterThan(0);
  });

  test("has combinations of every sort", () => {
    const sorts = new Set(heldout.flatMap(combinationsOf).map((name) => name.split(":")[0]));

    expect([...sorts].sort()).toEqual(["colour", "count", "place", "relation", "word"]);
  });

  test("splits words so that every letter of a held-out word is in a training word", () => {
    const isTrained = (word: string) => splitOf(`word:${word}`) === "train";
    const letters = new Set(words.filter(isTrained).join(""));

    expect(words.filter((word) => !isTrained(word)).length).toBeGreaterThan(30);
    expect([..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"].filter((letter) => !letters.has(letter))).toEqual([]);
  });
});

describe("training scenes", () => {
  test("show every colour, object, place, number and relation", () => {
    const groups = train.flatMap((scene) => scene.groups);

    expect(new Set(groups.map(({ thing }) => thing.name))).toEqual(new Set(thingNames));
    expect(new Set(groups.flatMap(({ thing }) => ("colour" in thing ? [thing.colour] : [])))).toEqual(
      new Set(colourNames),
    );
    expect(new Set(groups.map(({ squares }) => squares.length))).toEqual(new Set([1, 2, 3, 4, 5]));
    const backgrounds = train.map(({ background }) =>
      "place" in background ? background.place : `plain ${background.plain}`,
    );
    expect(new Set(backgrounds)).toEqual(new Set([...placeNames, ...plainNames.map((name) => `plain ${name}`)]));
    expect(new Set(train.flatMap(({ relations }) => relations.map(({ relation }) => relation))).size).toBe(2);
  });
});

describe("scenes", () => {
  test("keep objects inside the picture, apart from each other and from the word", () => {
    for (const { groups, word } of [...train, ...heldout]) {
      const squares = groups.flatMap((group) => group.squares);
      const [top, bottom] = [word?.position === "top" ? 0.34 : 0, word?.position === "bottom" ? 0.66 : 1];
      for (const { x, y, side } of squares) {
        expect(x - side / 2).toBeGreaterThanOrEqual(0);
        expect(x + side / 2).toBeLessThanOrEqual(1);
        expect(y - side / 2).toBeGreaterThanOrEqual(top);
        expect(y + side / 2).toBeLessThanOrEqual(bottom);
      }
      squares.forEach((one, i) => {
        for (const other of squares.slice(i + 1)) {
          const apart = Math.max(Math.abs(one.x - other.x), Math.abs(one.y - other.y)) - (one.side + other.side) / 2;
          expect(apart).toBeGreaterThan(0.005);
        }
      });
    }
  });
});
