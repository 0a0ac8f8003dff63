import { createHash } from "node:crypto";
import { type DecodeOptions, decodeImage } from "./decode-node.ts";
import type { PixelStatistics } from "./normalize.ts";
import { type ImageTensors, imageTensors } from "./prepare-image.ts";
import { cutTiles, type ImageTiles } from "./tiles.ts";

export interface PrepareOptions extends PixelStatistics, DecodeOptions {
  /** c: side of the vision tower's input in pixels, 384 for the SigLIPs and 336 for CLIP. */
  readonly cropSize: number;
}

export interface PreparedImage extends ImageTensors {
  /** Size of the decoded picture in pixels. */
  readonly width: number;
  readonly height: number;
  /** SHA-256 (hex) of the 8-bit crops: pictures with equal keys are the same picture to a model. For caches. */
  readonly contentKey: string;
}

/**
 * Decodes a picture file, or its bytes, and prepares it for the vision graph ("static_hd", FUSION §3.2).
 *
 * @throws whatever decodeImage throws, and OPTION_INVALID for a wrong crop size, mean or std
 */
export async function prepareImage(source: string | Uint8Array, options: PrepareOptions): Promise<PreparedImage> {
  const image = await decodeImage(source, options);
  const tiles = cutTiles(image, options.cropSize);
  return {
    ...imageTensors(tiles, options),
    width: image.width,
    height: image.height,
    contentKey: contentKey(tiles),
  };
}

function contentKey({ subImages, whole }: ImageTiles): string {
  return createHash("sha256").update(subImages).update(whole).digest("hex");
}
