import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packedBytes, packPicture, unpackPicture } from "./packed-picture.ts";
import { PictureStore } from "./picture-store.ts";
import { prepareForTests, writeNoise } from "./pictures-for-tests.ts";

let place: string;
const path = (index: number) => join(place, `${index}.png`);

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "fusion-pictures-"));
  for (const index of [0, 1, 2]) await writeNoise(path(index), index);
});

afterAll(() => rm(place, { recursive: true, force: true }));

test.each([
  ["SigLIP's", [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]],
  ["CLIP's", [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]],
])("packing loses nothing under %s statistics", async (_name, mean, std) => {
  const picture = await prepareForTests(path(0), { mean, std });

  const packed = packPicture(picture, { mean, std });
  const { wholeImage, subImages } = unpackPicture(packed, { mean, std });

  expect(packedBytes(packed)).toBe(5 * 3 * 16 * 16);
  expect(new Set(packed.whole).size).toBeGreaterThan(100);
  expect(wholeImage).toEqual(picture.wholeImage);
  expect(subImages).toEqual(picture.subImages);
});

describe("the store", () => {
  const prepare = { cropSize: 16, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
  const one = 5 * 3 * 16 * 16;

  test("gives what prepareImage gives, also from its memory", async () => {
    const store = new PictureStore({ prepare, cacheBytes: 10 * one, threads: 0 });
    const { wholeImage, subImages } = await prepareForTests(path(1), prepare);

    for (let i = 0; i < 2; i++) expect(await store.get(path(1))).toEqual({ wholeImage, subImages });
    expect(store.keptBytes).toBe(one);
    await store.dispose();
  });

  test("keeps the pictures used last within its bytes", async () => {
    const store = new PictureStore({ prepare, cacheBytes: 2 * one, threads: 0 });
    await store.get(path(0));
    await store.get(path(1));
    await store.get(path(0));
    await store.get(path(2));
    expect(store.keptBytes).toBe(2 * one);

    await rm(path(0));
    await rm(path(1));
    await store.get(path(0));
    await expect(store.get(path(1))).rejects.toMatchObject({ code: "IMAGE_NOT_FOUND" });
    await store.dispose();
  });
});
