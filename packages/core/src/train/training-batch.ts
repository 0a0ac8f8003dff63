import { FusionError } from "../errors/index.ts";
import { type FusionConfig, layoutSequence } from "../fusion/index.ts";
import { float32, int64, type Tensor, tensor } from "../tensor/index.ts";
import type { Segment } from "../text/index.ts";
import type { BatchSizes } from "./gradient-graph.ts";

/** A sample ready for training: its plan with answers, and its pixels. */
export interface TrainingSample {
  readonly segments: readonly Segment[];
  /** Ids for text-guided encoding; [0] for a text-only sample. */
  readonly instruction: readonly number[];
  /** [1, 3, c, c] and [4, 3, c, c]; absent for a text-only sample, which is trained with an all-zero picture. */
  readonly picture?: { readonly wholeImage: Tensor; readonly subImages: Tensor };
}

/** Samples as the feeds of a gradient graph, and what the losses of a batch are averaged over. */
export interface TrainingBatch {
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly sizes: BatchSizes;
  readonly answerTokens: number;
  /** The sample that each answer token belongs to. */
  readonly answerSamples: readonly number[];
  readonly instructionTokens: number;
  readonly samples: number;
}

export interface BatchOptions {
  readonly config: FusionConfig;
  /** Q */
  readonly latents: number;
  /**
   * S, T, I and M are rounded up to multiples of this, so that few graphs serve all batches. Not I under `released`
   * semantics, where text attends to instruction padding: rounding would change the losses.
   */
  readonly bucket: number;
  /** Least I, M, R, S and T, so that batches of different samples share their shapes. */
  readonly atLeast?: Partial<Omit<BatchSizes, "B">>;
}

/**
 * Lays samples out side by side, padded to bucket sizes.
 *
 * @throws OPTION_INVALID for no samples or a bucket that is no whole number of 1 or more
 */
export function trainingBatch(
  samples: readonly TrainingSample[],
  { config, latents, bucket, atLeast = {} }: BatchOptions,
): TrainingBatch {
  requireBatch(samples, bucket);
  const imageRows = config.imageGrid ** 2;
  const round = (length: number) => Math.ceil(Math.max(1, length) / bucket) * bucket;
  const layoutSamples = samples.map(({ segments, picture }) => ({ segments, zeroLatents: !picture }));
  const layout = layoutSequence(layoutSamples, { imageRows, latents, maxLength: config.maxLength, bucket, atLeast });
  const batch = samples.length;
  const longest = Math.max(1, atLeast.I ?? 0, ...samples.map(({ instruction }) => instruction.length));
  const instructionLength = config.semantics === "released" ? longest : round(longest);
  const { rows, ids } = layout.answers;
  const answers = round(Math.max(atLeast.M ?? 0, rows.length));

  const instructionIds = new Array<number>(batch * instructionLength).fill(0);
  const instructionMask = new Float32Array(batch * instructionLength);
  samples.forEach(({ instruction, picture }, b) => {
    instruction.forEach((id, i) => {
      instructionIds[b * instructionLength + i] = id;
      const isPadding = !picture || (config.semantics === "released" && id === 0);
      instructionMask[b * instructionLength + i] = isPadding ? 0 : 1;
    });
  });
  const padded = (values: readonly number[], length: number) => [
    ...values,
    ...new Array<number>(length - values.length).fill(0),
  ];
  return {
    feeds: {
      ...layout.feeds,
      ...pixels(samples, config.vision.imageSize),
      instruction_ids: int64([batch, instructionLength], instructionIds),
      instruction_mask: float32([batch, instructionLength], instructionMask),
      answer_rows: int64([answers], padded(rows, answers)),
      answer_ids: int64([answers], padded(ids, answers)),
      answer_weights: float32([answers], padded(new Array<number>(rows.length).fill(1), answers)),
      sample_weights: float32([batch], new Array<number>(batch).fill(1)),
    },
    sizes: {
      B: batch,
      I: instructionLength,
      M: answers,
      R: layout.feeds.question_rows!.shape[1]!,
      S: layout.length,
      T: layout.feeds.input_ids!.shape[1]!,
    },
    answerTokens: rows.length,
    answerSamples: rows.map((row) => Math.floor(row / layout.length)),
    instructionTokens: instructionMask.reduce((sum, weight) => sum + weight, 0),
    samples: batch,
  };
}

function requireBatch(samples: readonly TrainingSample[], bucket: number): void {
  const isBucket = Number.isInteger(bucket) && bucket >= 1;
  if (samples.length > 0 && isBucket) return;
  throw new FusionError({
    code: "OPTION_INVALID",
    at: "training batch",
    expected: isBucket ? "at least one sample" : "a bucket of a whole number of 1 or more",
    actual: isBucket ? "none" : String(bucket),
    hint: "Correct what the batch is made of.",
  });
}

function pixels(samples: readonly TrainingSample[], side: number): Record<string, Tensor> {
  const size = 3 * side * side;
  const whole = new Float32Array(samples.length * size);
  const parts = new Float32Array(samples.length * 4 * size);
  samples.forEach(({ picture }, b) => {
    if (!picture) return;
    const { wholeImage, subImages } = picture;
    for (const [image, count] of [[wholeImage, 1] as const, [subImages, 4] as const]) {
      if (image.data.length !== count * size) throw wrongSide(b, [count, 3, side, side], image.shape);
    }
    whole.set(wholeImage.data as Float32Array, b * size);
    parts.set(subImages.data as Float32Array, b * 4 * size);
  });
  return {
    pixel_values: tensor("float32", [samples.length, 3, side, side], whole),
    sub_images: tensor("float32", [samples.length, 4, 3, side, side], parts),
  };
}

function wrongSide(sample: number, expected: readonly number[], actual: readonly number[]): FusionError {
  return new FusionError({
    code: "SHAPE_MISMATCH",
    at: `training batch: picture of sample ${sample}`,
    expected: `[${expected.join(", ")}]`,
    actual: `[${actual.join(", ")}]`,
    hint: "Prepare pictures for the tower that is trained.",
  });
}
