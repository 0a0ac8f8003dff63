import type { Tensor } from "../tensor/index.ts";
import { normalizePixels, type PixelStatistics } from "./normalize.ts";
import type { ImageTiles } from "./tiles.ts";

/** A picture as the vision graph takes it; c = crop size. */
export interface ImageTensors {
  /** [1, 3, c, c]: the whole picture, encoded together with the text. */
  readonly wholeImage: Tensor<"float32">;
  /** [4, 3, c, c]: its quarters, encoded without text: the global context. */
  readonly subImages: Tensor<"float32">;
}

/**
 * The five crops of a picture as the model's input: rescaled and normalised.
 *
 * @throws OPTION_INVALID for a wrong mean or std
 */
export function imageTensors({ size, whole, subImages }: ImageTiles, statistics: PixelStatistics): ImageTensors {
  return {
    wholeImage: normalizePixels(whole, size, statistics),
    subImages: normalizePixels(subImages, size, statistics),
  };
}
