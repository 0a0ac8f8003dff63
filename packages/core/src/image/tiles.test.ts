import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { decodeImage } from "./decode-node.ts";
import { imageTensors } from "./prepare-image.ts";
import { cutTiles } from "./tiles.ts";

const golden = (file: string) => fileURLToPath(new URL(`../../../../test/golden/preprocess/${file}`, import.meta.url));
const readJson = (file: string) => JSON.parse(readFileSync(golden(file), "utf8"));

interface Reference {
  sha256: string[];
  /** [5, 3] of the normalised float32 crops. */
  mean?: number[][];
  min?: number;
  max?: number;
}

const references: [string, Reference][] = [
  ...Object.entries<Record<string, never>>(readJson("preprocess.json"))
    .filter(([, value]) => value.sha256_u8_nchw)
    .map(([name, value]): [string, Reference] => [name, { ...value, sha256: value.sha256_u8_nchw! }]),
  ...Object.entries<Record<string, never>>(readJson("resize_more.json")).map(([name, value]): [string, Reference] => [
    name,
    { sha256: value.sha256_u8_chw! },
  ]),
];

const plane = 3 * 384 * 384;

async function crops(name: string) {
  const tiles = cutTiles(await decodeImage(golden(`${name}.png`)), 384);
  const subImages = [0, 1, 2, 3].map((index) => tiles.subImages.subarray(index * plane, (index + 1) * plane));
  return { tiles, all: [...subImages, tiles.whole] };
}

describe("cutTiles", () => {
  it("covers all six reference pictures", () => {
    expect(references.map(([name]) => name)).toEqual(["gradient", "noise", "wide", "large", "tall", "tiny"]);
  });

  it.each(references)(
    "makes the five crops of %s bit for bit as the official code with Pillow",
    async (name, { sha256 }) => {
      const { all } = await crops(name);

      expect(all.map((crop) => createHash("sha256").update(crop).digest("hex"))).toEqual(sha256);
    },
  );

  it.each(references.filter(([, { mean }]) => mean))(
    "normalises the crops of %s to the reference's means",
    async (name, reference) => {
      const { tiles } = await crops(name);
      const { wholeImage, subImages } = imageTensors(tiles, { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] });

      expect(wholeImage.shape).toEqual([1, 3, 384, 384]);
      expect(subImages.shape).toEqual([4, 3, 384, 384]);
      const values = [...channelMeans(subImages.data), ...channelMeans(wholeImage.data)];
      for (const [index, expected] of reference.mean!.flat().entries()) {
        expect(Math.abs(values[index]! - expected)).toBeLessThan(1e-6); // the reference's own float32 summation
      }
    },
  );

  it("keeps the quarters in reading order", () => {
    const image = { width: 2, height: 2, data: Uint8Array.from([10, 20, 30, 40].flatMap((v) => [v, v + 1, v + 2])) };

    expect(cutTiles(image, 1)).toEqual({
      size: 1,
      whole: expect.any(Uint8Array),
      subImages: Uint8Array.from([10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41, 42]),
    });
  });

  it.each([0, -3, 1.5, Number.NaN])("refuses the crop size %s", (size) => {
    const image = { width: 1, height: 1, data: new Uint8Array(3) };

    expect(() => cutTiles(image, size)).toThrow(`cropSize: expected a positive whole number of pixels, got ${size}`);
  });
});

function channelMeans(values: Float32Array): number[] {
  const pixels = 384 * 384;
  return Array.from({ length: values.length / pixels }, (_, index) => {
    let sum = 0;
    for (const value of values.subarray(index * pixels, (index + 1) * pixels)) sum += value;
    return sum / pixels;
  });
}
