import { float32, sizeOf, type Tensor } from "../tensor/index.ts";
import type { Segment } from "../text/index.ts";

/** Sentinels of the reference implementation; they exist in recorded files only. */
const imagePlaceholder = -200;
const latentPlaceholder = -300;
const questionEnd = -400;

/**
 * Segments of one recorded row of ids.
 *
 * The first placeholder takes the image tokens and every later one latents, whatever its name; a row without an image
 * placeholder is text-only and has latents alone.
 *
 * @param labels - −100 ignored, −400 end of a question, else the answer token; absent: the last token ends the question
 */
export function recordedSegments(ids: readonly number[], labels?: readonly number[]): Segment[] {
  const segments: Segment[] = [];
  const hasImage = ids.includes(imagePlaceholder);
  let run: { ids: number[]; supervised: boolean } | undefined;
  const close = (endsQuestion: boolean) => {
    if (run) segments.push({ kind: "text", ...run, endsQuestion });
    run = undefined;
  };
  ids.forEach((id, index) => {
    if (id === imagePlaceholder || id === latentPlaceholder) {
      close(false);
      const isFirst = !segments.some(({ kind }) => kind !== "text");
      segments.push({ kind: hasImage && isFirst ? "image" : "latent" });
      return;
    }
    const supervised = (labels?.[index] ?? -1) >= 0;
    if (run && run.supervised !== supervised) close(false);
    run ??= { ids: [], supervised };
    run.ids.push(id);
    if (labels ? labels[index] === questionEnd : index === ids.length - 1) close(true);
  });
  close(false);
  return segments;
}

/** One row of an int64 or mask tensor as numbers, cut at the count of ones in `mask`. */
export function rowOf(tensor: Tensor, row: number, mask?: Tensor): number[] {
  const width = tensor.shape[1]!;
  const values = Array.from(tensor.data.slice(row * width, (row + 1) * width) as ArrayLike<number | bigint>, Number);
  return mask ? values.filter((_, index) => Number(mask.data[row * width + index]) === 1) : values;
}

/** Normalised pixels of recorded images; index −1 is the all-zero pixel tensor of a text-only sample. */
export function recordedPixels(images: Tensor, indices: readonly number[]): { whole: Tensor; subImages: Tensor } {
  const [, tiles, channels, side] = images.shape as readonly number[] as [number, number, number, number];
  const size = sizeOf([channels, side, side]);
  const count = tiles - 1;
  const whole = float32([indices.length, channels, side, side], new Float32Array(indices.length * size));
  const subImages = float32([indices.length, count, channels, side, side], new Float32Array(indices.length * count * size));
  indices.forEach((image, b) => {
    if (image < 0) return;
    const from = image * tiles * size;
    for (let i = 0; i < count * size; i++) subImages.data[b * count * size + i] = normalise(images.data[from + i] as number);
    for (let i = 0; i < size; i++) whole.data[b * size + i] = normalise(images.data[from + count * size + i] as number);
  });
  return { whole, subImages };
}

/** (u8/255 − 0.5)/0.5 in float32. */
function normalise(level: number): number {
  return (Math.fround(level / 255) - 0.5) / 0.5;
}
