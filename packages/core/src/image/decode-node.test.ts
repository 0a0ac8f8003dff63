import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeImage } from "./decode-node.ts";
import { noise, raw } from "./pictures-for-tests.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "fusion-image-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("decodeImage reads", () => {
  const fourColours = [255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30];

  it.each([
    ["PNG", () => raw(2, 2, 3, fourColours).png()],
    ["lossless WebP", () => raw(2, 2, 3, fourColours).webp({ lossless: true })],
    ["GIF", () => raw(2, 2, 3, fourColours).gif()],
    ["lossless AVIF", () => raw(2, 2, 3, fourColours).avif({ lossless: true })],
  ])("%s exactly", async (_, make) => {
    expect(await decodeImage(await make().toBuffer())).toEqual({
      width: 2,
      height: 2,
      data: Uint8Array.from(fourColours),
    });
  });

  it("JPEG within its loss, with chroma interpolated as libjpeg-turbo does by default", async () => {
    const halves = Array.from({ length: 16 * 16 }, (_, index) => (index % 16 < 8 ? [200, 60, 60] : [60, 60, 200]));
    const jpeg = await raw(16, 16, 3, halves.flat()).jpeg({ quality: 100, chromaSubsampling: "4:2:0" }).toBuffer();

    const { data } = await decodeImage(jpeg);

    const red = Array.from({ length: 16 }, (_, x) => data[(8 * 16 + x) * 3]!);
    expect(Math.abs(red[0]! - 200)).toBeLessThanOrEqual(2);
    expect(Math.abs(red[15]! - 60)).toBeLessThanOrEqual(2);
    expect(red[7]).not.toBe(red[6]); // repeated chroma would give equal pairs
  });

  it("a file by its content, whatever its extension", async () => {
    const path = join(folder, "lies.png");
    writeFileSync(path, await noise(20, 10).jpeg().toBuffer());

    expect(await decodeImage(path)).toMatchObject({ width: 20, height: 10 });
  });

  it("the first frame of an animation", async () => {
    const frames = await Promise.all([9, 80].map((level) => raw(1, 1, 3, [level, level, level]).png().toBuffer()));
    const animation = sharp(frames, { join: { animated: true } });

    for (const encoded of [
      await animation.clone().gif().toBuffer(),
      await animation.clone().webp({ lossless: true }).toBuffer(),
    ]) {
      expect((await sharp(encoded).metadata()).pages).toBe(2);
      expect(await decodeImage(encoded)).toEqual({ width: 1, height: 1, data: Uint8Array.of(9, 9, 9) });
    }
  });

  it("a 1×1 picture and a view into a larger buffer", async () => {
    const png = await raw(1, 1, 3, [1, 2, 3]).png().toBuffer();
    const larger = new Uint8Array(png.length + 20).fill(7);
    larger.set(png, 10);

    expect([...(await decodeImage(larger.subarray(10, 10 + png.length))).data]).toEqual([1, 2, 3]);
  });
});

describe("decodeImage and EXIF orientation:", () => {
  const turned = () => raw(2, 1, 3, [0, 0, 0, 255, 255, 255]).withMetadata({ orientation: 6 }).png().toBuffer();

  it("ignores it as Pillow does", async () => {
    expect(await decodeImage(await turned())).toMatchObject({ width: 2, height: 1 });
  });

  it("follows it when asked", async () => {
    const { width, height, data } = await decodeImage(await turned(), { autoOrient: true });

    expect([width, height]).toEqual([1, 2]);
    expect([...data]).toEqual([0, 0, 0, 255, 255, 255]);
  });

  it("mirrors as well as turns", async () => {
    const mirrored = await raw(2, 1, 3, [1, 1, 1, 9, 9, 9]).withMetadata({ orientation: 2 }).png().toBuffer();

    expect([...(await decodeImage(mirrored, { autoOrient: true })).data]).toEqual([9, 9, 9, 1, 1, 1]);
  });
});
