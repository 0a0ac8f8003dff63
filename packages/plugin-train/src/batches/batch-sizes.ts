import type { FusionConfig } from "@fusion-vlm/core";
import type { BatchSizes } from "@fusion-vlm/core/train";
import type { ShapeClass } from "./shape-classes.ts";

/** Sequences are padded to multiples of this. */
export const bucket = 16;

/** What samples of a class are padded to at least, so that hardly ever a batch of it needs more. */
export function leastSizes(
  shape: ShapeClass,
  samples: number,
  latents: number,
  { semantics }: Pick<FusionConfig, "semantics">,
): Partial<Omit<BatchSizes, "B">> {
  const { mean, deviation, largest } = shape.answers;
  // Four standard deviations above the mean: more answer tokens than that hardly ever fall into one batch.
  const likely = samples * mean + 4 * deviation * Math.sqrt(samples);
  return {
    // Under released semantics text rows see the padding of instructions: there a batch has no more than it needs.
    ...(semantics === "paper" && { I: shape.instruction }),
    M: Math.min(samples * largest, Math.ceil(likely)),
    R: shape.questions,
    S: shape.rows(latents),
    T: shape.tokens,
  };
}

/** The sizes that a batch of a class comes to. Under released semantics it may have a shorter I. */
export function paddedSizes(
  shape: ShapeClass,
  samples: number,
  latents: number,
  config: Pick<FusionConfig, "semantics">,
): BatchSizes {
  const { I = Math.max(1, shape.instruction), M, R, S, T } = leastSizes(shape, samples, latents, config);
  const round = (length: number) => Math.ceil(Math.max(1, length) / bucket) * bucket;
  return {
    B: samples,
    I: config.semantics === "released" ? I : round(I),
    M: round(M!),
    R: Math.max(1, R!),
    S: round(S!),
    T: round(T!),
  };
}
