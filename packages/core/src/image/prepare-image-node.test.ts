import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { prepareImage } from "./prepare-image-node.ts";

const options = { cropSize: 32, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
const noise = fileURLToPath(new URL("../../../../test/golden/preprocess/noise.png", import.meta.url));

describe("prepareImage", () => {
  it("gives the tensors of the vision graph and the picture's own size", async () => {
    const { wholeImage, subImages, width, height } = await prepareImage(noise, options);

    expect([width, height]).toEqual([260, 210]);
    expect([wholeImage.dtype, wholeImage.shape]).toEqual(["float32", [1, 3, 32, 32]]);
    expect([subImages.dtype, subImages.shape]).toEqual(["float32", [4, 3, 32, 32]]);
  });

  it("gives equal keys to equal pictures, whatever their encoding, and others to others", async () => {
    const webp = await sharp(noise).webp({ lossless: true }).toBuffer();
    const other = await sharp(noise).negate().png().toBuffer();

    const [fromPng, fromWebp, fromOther, fromOtherSize] = await Promise.all([
      prepareImage(noise, options),
      prepareImage(webp, options),
      prepareImage(other, options),
      prepareImage(noise, { ...options, cropSize: 16 }),
    ]);

    expect(fromPng.contentKey).toMatch(/^[0-9a-f]{64}$/);
    expect(fromWebp.contentKey).toBe(fromPng.contentKey);
    expect(fromOther.contentKey).not.toBe(fromPng.contentKey);
    expect(fromOtherSize.contentKey).not.toBe(fromPng.contentKey);
  });

  it("prepares a 1×1 picture", async () => {
    const dot = await sharp(Uint8Array.of(255, 0, 255), { raw: { width: 1, height: 1, channels: 3 } })
      .png()
      .toBuffer();

    const { wholeImage } = await prepareImage(dot, { ...options, cropSize: 2 });

    expect([...wholeImage.data]).toEqual([1, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1]);
  });

  it("passes decoding options on", async () => {
    const turned = await sharp(noise).withMetadata({ orientation: 6 }).jpeg().toBuffer();

    expect(await prepareImage(turned, { ...options, autoOrient: true })).toMatchObject({ width: 210, height: 260 });
    await expect(prepareImage(noise, { ...options, maxPixels: 10 })).rejects.toThrow(/at most 10 pixels/);
  });
});
