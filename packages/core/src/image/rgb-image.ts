import { FusionError } from "../errors/index.ts";

/** A decoded picture: 8-bit RGB, rows from top to bottom, pixels interleaved. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  /** [height, width, 3] */
  readonly data: Uint8Array;
}

/** A picture over existing pixels. Throws IMAGE_INVALID when the byte count does not fit the size. */
export function rgbImage(width: number, height: number, data: Uint8Array): RgbImage {
  const hasSize = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  if (!hasSize || data.length !== width * height * 3) {
    throw new FusionError({
      code: "IMAGE_INVALID",
      at: "rgbImage",
      expected: hasSize
        ? `${width * height * 3} bytes for ${width}×${height} RGB`
        : "a positive whole width and height",
      actual: hasSize ? `${data.length} bytes` : `${width}×${height}`,
      hint: "Pass interleaved 8-bit RGB pixels without alpha and without row padding.",
    });
  }
  return { width, height, data };
}
