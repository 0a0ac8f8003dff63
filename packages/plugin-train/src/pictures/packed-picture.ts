import { type ImageTensors, normalizePixels, type PixelStatistics } from "@fusion-vlm/core";

/** A prepared picture as 8-bit levels: a quarter of the memory of its float32 pixels, and nothing is lost. */
export interface PackedPicture {
  /** c */
  readonly size: number;
  /** [3, c, c] */
  readonly whole: Uint8Array;
  /** [4, 3, c, c] */
  readonly subImages: Uint8Array;
}

/** Pixels come from 256 levels per channel, so each goes back to the level it came from. */
export function packPicture({ wholeImage, subImages }: ImageTensors, statistics: PixelStatistics): PackedPicture {
  const size = wholeImage.shape.at(-1)!;
  return {
    size,
    whole: levels(wholeImage.data as Float32Array, size, statistics),
    subImages: levels(subImages.data as Float32Array, size, statistics),
  };
}

/** The pixels as they were, bit for bit. */
export function unpackPicture({ size, whole, subImages }: PackedPicture, statistics: PixelStatistics): ImageTensors {
  return {
    wholeImage: normalizePixels(whole, size, statistics),
    subImages: normalizePixels(subImages, size, statistics),
  };
}

export function packedBytes({ whole, subImages }: PackedPicture): number {
  return whole.length + subImages.length;
}

function levels(pixels: Float32Array, size: number, { mean, std }: PixelStatistics): Uint8Array {
  const plane = size * size;
  const result = new Uint8Array(pixels.length);
  for (let start = 0, channel = 0; start < pixels.length; start += plane, channel = (channel + 1) % 3) {
    const scale = 255 * std[channel]!;
    const shift = 255 * mean[channel]! + 0.5; // rounds, as no level is negative
    for (let index = start; index < start + plane; index++) result[index] = pixels[index]! * scale + shift;
  }
  return result;
}
