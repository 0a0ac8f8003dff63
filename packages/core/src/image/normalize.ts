import { FusionError } from "../errors/index.ts";
import { type Tensor, tensor } from "../tensor/index.ts";

/** What a vision tower expects its pixels to be normalised with: one number per colour channel, red, green, blue. */
export interface PixelStatistics {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/**
 * Planar 8-bit pixels as the tower's input: (u / 255 − mean) / std in float32.
 *
 * Rounded step by step as the official processor does (rescale by 1/255 in double, then float32), so the values equal its own.
 *
 * @param pixels - [N, 3, c, c] with c = `size`
 * @returns [N, 3, c, c]
 * @throws OPTION_INVALID unless mean and std hold three finite numbers each, std positive
 * @throws SHAPE_MISMATCH when the pixels are not a whole number of crops
 */
export function normalizePixels(pixels: Uint8Array, size: number, { mean, std }: PixelStatistics): Tensor<"float32"> {
  assertStatistics("mean", mean, Number.isFinite, "three finite numbers");
  assertStatistics("std", std, (value) => Number.isFinite(value) && value > 0, "three positive numbers");
  const plane = size * size;
  const values = new Float32Array(pixels.length);
  const tables = [0, 1, 2].map((channel) => normalizedLevels(mean[channel]!, std[channel]!));
  for (let start = 0, channel = 0; start < pixels.length; start += plane, channel = (channel + 1) % 3) {
    const table = tables[channel]!;
    const end = Math.min(start + plane, pixels.length);
    for (let index = start; index < end; index++) values[index] = table[pixels[index]!]!;
  }
  return tensor("float32", [Math.floor(pixels.length / (3 * plane)), 3, size, size], values);
}

/** The 256 values that one channel can take. */
function normalizedLevels(mean: number, std: number): Float32Array {
  const { fround } = Math;
  return Float32Array.from({ length: 256 }, (_, level) =>
    fround(fround(fround(level * (1 / 255)) - fround(mean)) / fround(std)),
  );
}

function assertStatistics(
  name: string,
  values: readonly number[],
  isValid: (value: number) => boolean,
  expected: string,
): void {
  if (Array.isArray(values) && values.length === 3 && values.every(isValid)) return;
  throw new FusionError({
    code: "OPTION_INVALID",
    at: `image ${name}`,
    expected: `${expected}, one per colour channel`,
    actual: JSON.stringify(values) ?? "nothing",
    hint: "Use the statistics of the vision tower, for example [0.5, 0.5, 0.5] for SigLIP.",
  });
}
