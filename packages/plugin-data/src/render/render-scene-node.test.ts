import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { colourNames, colours, iconNames, placeNames, plainNames, shapes } from "../grammar/index.ts";
import { createRandom } from "../random/random.ts";
import { describeScene, type Scene, type SceneBackground, type Thing } from "../scene/index.ts";
import { renderScene, sceneSvg } from "./index-node.ts";

const grey: SceneBackground = { plain: "grey" };

function sceneWith(things: readonly Thing[], extra: Partial<Scene> = {}): Scene {
  const groups = things.map((thing) => ({ thing, size: "large" as const, squares: [{ x: 0.5, y: 0.5, side: 0.8 }] }));
  return { split: "train", background: grey, groups, relations: [], ...extra };
}

async function pixels(scene: Scene, size = 64) {
  const { data, info } = await sharp(await renderScene(scene, size))
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { at: (x: number, y: number) => [...data.subarray((y * size + x) * 3, (y * size + x) * 3 + 3)], data, info };
}

describe("renderScene", () => {
  test("draws an opaque RGB PNG of the size that is asked for", async () => {
    for (const size of [32, 128, 200]) {
      const facts = await sharp(await renderScene(describeScene(createRandom(1)), size)).metadata();
      expect(facts).toMatchObject({ format: "png", width: size, height: size, channels: 3, hasAlpha: false });
    }
  });

  test("gives the same bytes for the same scene", async () => {
    const scene = describeScene(createRandom(3, "any"));

    expect(await renderScene(scene)).toEqual(await renderScene(structuredClone(scene)));
  });

  test("paints a square in the colour that the scene names", async () => {
    for (const colour of colourNames) {
      for (const tint of [0, 1, 2]) {
        const { at } = await pixels(sceneWith([{ name: "square", colour, tint }]));
        const expected = colours[colour][tint]!.match(/\w\w/g)!.map((hex) => Number.parseInt(hex, 16));
        expect(at(32, 32)).toEqual(expected);
      }
    }
  });

  test("draws every shape, icon and background unlike any other", async () => {
    const red = { colour: "red", tint: 0 } as const;
    const things: Thing[] = [
      ...shapes.map((name) => ({ name, ...red })),
      ...iconNames.map((name) => ({ name, flipped: false })),
    ];
    const scenes = [
      ...things.map((thing) => sceneWith([thing])),
      ...placeNames.map((place) => sceneWith([], { background: { place } })),
      ...plainNames.map((plain) => sceneWith([], { background: { plain } })),
    ];
    const drawn = await Promise.all(scenes.map(async (scene) => (await pixels(scene)).data));

    drawn.forEach((one, i) => {
      for (const other of drawn.slice(i + 1)) {
        let difference = 0;
        one.forEach((value, index) => {
          difference += Math.abs(value - other[index]!);
        });
        expect(difference / one.length).toBeGreaterThan(3);
      }
    });
  });

  test("draws words as outlines within their band", async () => {
    const word = { text: "QUEEN", colour: "black", tint: 0, position: "top" } as const;
    const svg = sceneSvg(sceneWith([], { word }));
    const { at } = await pixels(sceneWith([], { background: { plain: "white" }, word }), 100);
    const dark = (rows: number[]) =>
      rows.some((y) => Array.from({ length: 100 }, (_, x) => at(x, y)[0]!).some((value) => value < 60));

    expect(svg).not.toMatch(/<text|font|href|<image|<style/);
    expect(dark([10, 15, 20, 25])).toBe(true);
    expect(dark(Array.from({ length: 66 }, (_, i) => 34 + i))).toBe(false);
  });

  test("refuses sizes that cannot be", async () => {
    for (const size of [0, 31, 4096, 64.5, Number.NaN]) {
      await expect(renderScene(sceneWith([]), size)).rejects.toMatchObject({ code: "OPTION_INVALID", at: "size" });
    }
  });
});
