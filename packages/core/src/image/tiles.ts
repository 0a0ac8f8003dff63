import { FusionError } from "../errors/index.ts";
import { resizeBicubic } from "./resize-bicubic.ts";
import type { RgbImage } from "./rgb-image.ts";

/** The five crops of one picture that the vision tower sees. Planar 8-bit RGB, c = `size`. */
export interface ImageTiles {
  /** Side of every crop in pixels. */
  readonly size: number;
  /** [3, c, c]: the whole picture. */
  readonly whole: Uint8Array;
  /** [4, 3, c, c]: its quarters at twice the resolution: top left, top right, bottom left, bottom right. */
  readonly subImages: Uint8Array;
}

/**
 * Cuts a picture as "static_hd" does: resized to (2c, 2c) and cut into four c × c quarters, and resized to (c, c) as a whole.
 *
 * The aspect ratio is not kept: the model was trained that way (FUSION §3.2).
 *
 * @throws OPTION_INVALID when the crop size is not positive and whole
 */
export function cutTiles(image: RgbImage, size: number): ImageTiles {
  if (!Number.isInteger(size) || size < 1) {
    throw new FusionError({
      code: "OPTION_INVALID",
      at: "cropSize",
      expected: "a positive whole number of pixels",
      actual: `${size}`,
      hint: "Use the image size of the vision tower, for example 384 for SigLIP or 336 for CLIP.",
    });
  }
  const plane = 3 * size * size;
  const doubled = resizeBicubic(image, 2 * size, 2 * size);
  const subImages = new Uint8Array(4 * plane);
  for (let index = 0; index < 4; index++) {
    const quarter = subImages.subarray(index * plane, (index + 1) * plane);
    copyPlanar(doubled, (index % 2) * size, Math.floor(index / 2) * size, size, quarter);
  }
  const whole = new Uint8Array(plane);
  copyPlanar(resizeBicubic(image, size, size), 0, 0, size, whole);
  return { size, whole, subImages };
}

/** Interleaved [H, W, 3] → planar [3, size, size] of the square at (left, top). */
function copyPlanar(image: RgbImage, left: number, top: number, size: number, target: Uint8Array): void {
  for (let channel = 0; channel < 3; channel++) {
    for (let y = 0; y < size; y++) {
      const source = ((top + y) * image.width + left) * 3 + channel;
      const destination = (channel * size + y) * size;
      for (let x = 0; x < size; x++) target[destination + x] = image.data[source + x * 3]!;
    }
  }
}
