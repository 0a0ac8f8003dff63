import { inlinePreparer, type PixelStatistics } from "@fusion-vlm/core";
import sharp from "sharp";

/** A picture in which every level occurs. */
export async function writeNoise(path: string, seed: number): Promise<void> {
  const data = Buffer.from(Uint8Array.from({ length: 40 * 40 * 3 }, (_, i) => (i * 7919 + seed * 31 + (i >> 3)) % 256));
  await sharp(data, { raw: { width: 40, height: 40, channels: 3 } })
    .png()
    .toFile(path);
}

/** 16 × 16 pixels, as the store prepares them. */
export function prepareForTests(path: string, { mean, std }: PixelStatistics) {
  return inlinePreparer().prepare(path, { cropSize: 16, mean, std });
}
