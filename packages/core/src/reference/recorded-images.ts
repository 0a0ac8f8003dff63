import type { FusionConfig } from "../fusion/index.ts";
import { normalizePixels } from "../image/index.ts";
import { sizeOf, type Tensor, zeros } from "../tensor/index.ts";
import { referenceError } from "./reference-error.ts";
import { integers, pick, type ReferenceFolder } from "./reference-folder.ts";

/** Four sub-images and the whole image. */
const crops = 5;

/** Recorded images, and which of them each sample of the batch has. */
export interface RecordedImages {
  /** uint8 [N, 5, 3, c, c] */
  readonly pixels: Tensor<"uint8">;
  /** Per sample; −1 for a text-only one. */
  readonly index: readonly number[];
}

/**
 * Reads `images_u8`, and `image_index` of the inputs.
 *
 * @throws REFERENCE_INVALID for another shape than the tower's, or an index without an image
 */
export function readRecordedImages({ images, inputs, folder }: ReferenceFolder, config: FusionConfig): RecordedImages {
  const side = config.vision.imageSize;
  const pixels = pick(images, "images_u8", folder, { dtype: "uint8", shape: ["N", crops, 3, side, side] });
  const index = integers(pick(inputs, "image_index", folder, { dtype: "int64", shape: ["B"] }));
  const last = pixels.shape[0]! - 1;
  const wrong = index.find((image) => image < -1 || image > last);
  if (wrong !== undefined) throw referenceError(`${folder}: image_index`, `-1 to ${last}`, String(wrong));
  return { pixels: pixels as Tensor<"uint8">, index };
}

/**
 * The samples' images, normalised as the tower wants them; all zeros for a text-only sample.
 *
 * @param index - images of the samples, as in {@link RecordedImages}
 * @returns pixel_values [B, 3, c, c] and sub_images [B, 4, 3, c, c]
 */
export function imageFeeds({ pixels }: RecordedImages, index: readonly number[], { vision }: FusionConfig) {
  const side = vision.imageSize;
  const crop = sizeOf([3, side, side]);
  const whole = zeros("float32", [index.length, 3, side, side]);
  const subImages = zeros("float32", [index.length, crops - 1, 3, side, side]);
  index.forEach((image, b) => {
    if (image < 0) return;
    const levels = pixels.data.subarray(image * crops * crop, (image + 1) * crops * crop);
    const { data } = normalizePixels(levels, side, vision);
    subImages.data.set(data.subarray(0, (crops - 1) * crop), b * (crops - 1) * crop);
    whole.data.set(data.subarray((crops - 1) * crop), b * crop);
  });
  return { pixel_values: whole, sub_images: subImages };
}
