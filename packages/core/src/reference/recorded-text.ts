import { type FusionConfig, type LayoutSample, layoutSequence, type SequenceLayout } from "../fusion/index.ts";
import { float32, type Tensor } from "../tensor/index.ts";
import {
  ignoredLabel,
  imagePlaceholder,
  latentPlaceholder,
  questionEnd,
  recordedSegments,
} from "./recorded-segments.ts";
import { referenceError } from "./reference-error.ts";
import { integers, pick, type Tensors } from "./reference-folder.ts";

/** Recorded prompts and instructions of a batch, checked against the model's vocabulary. */
export interface RecordedText {
  /** Ids of each sample, padding removed. */
  readonly ids: readonly (readonly number[])[];
  /** Absent where generation was recorded without labels. */
  readonly labels?: readonly (readonly number[])[];
  /** [B, T], padded with 0. */
  readonly instructions: Tensor<"int64">;
  /** [B, T]: 1 where the instruction is not padding. The reference takes id 0 for padding wherever it occurs. */
  readonly instructionMask: Tensor<"float32">;
}

/**
 * Reads input_ids, labels, attention_mask and instructs.
 *
 * @param at - the file, or the case within it, for messages
 * @param batch - how many samples there must be; any number when absent
 * @throws REFERENCE_INVALID for missing tensors, other shapes, ids outside the vocabulary
 */
export function readRecordedText(tensors: Tensors, at: string, config: FusionConfig, batch?: number): RecordedText {
  const vocabulary = config.language.vocabularySize;
  const ids = pick(tensors, "input_ids", at, { dtype: "int64", shape: [batch ?? "B", "L"] });
  const [samples] = ids.shape as readonly [number];
  const mask = tensors.has("attention_mask") ? pick(tensors, "attention_mask", at, { shape: ids.shape }) : undefined;
  const labels = tensors.has("labels") ? pick(tensors, "labels", at, { dtype: "int64", shape: ids.shape }) : undefined;
  const instructions = pick(tensors, "instructs", at, { dtype: "int64", shape: [samples, "T"] }) as Tensor<"int64">;
  const text = {
    ids: unpadded(ids, mask),
    labels: labels && unpadded(labels, mask),
    instructions,
    instructionMask: float32(
      instructions.shape,
      integers(instructions).map((id) => (id === 0 ? 0 : 1)),
    ),
  };
  requireIds(text.ids, vocabulary, [imagePlaceholder, latentPlaceholder], `${at}: input_ids`);
  requireIds([integers(instructions)], vocabulary, [], `${at}: instructs`);
  if (text.labels) requireIds(text.labels, vocabulary, [ignoredLabel, questionEnd], `${at}: labels`);
  return text;
}

/** Where the recorded samples' rows lie in the decoder's sequence. */
export function recordedLayout({ ids, labels }: RecordedText, config: FusionConfig, latents: number): SequenceLayout {
  const samples = ids.map((sample, b): LayoutSample => {
    const segments = recordedSegments(sample, labels?.[b]);
    return { segments, zeroLatents: !segments.some(({ kind }) => kind === "image") };
  });
  return layoutSequence(samples, { imageRows: config.imageGrid ** 2, latents, maxLength: config.maxLength });
}

/** Rows of the first `latents` rows of every question's grid, in order. */
export function latentRowsOf({ latentStarts }: SequenceLayout["samples"][number], latents: number): number[] {
  return latentStarts.flatMap((start) => Array.from({ length: latents }, (_, q) => start + q));
}

/** Rows of a [B, L] tensor, cut to where `mask` is 1. */
function unpadded(tensor: Tensor, mask: Tensor | undefined): number[][] {
  const [batch, width] = tensor.shape as readonly [number, number];
  const [values, kept] = [integers(tensor), mask && integers(mask)];
  return Array.from({ length: batch }, (_, row) =>
    values.slice(row * width, (row + 1) * width).filter((_, i) => !kept || kept[row * width + i] === 1),
  );
}

function requireIds(
  rows: readonly (readonly number[])[],
  vocabulary: number,
  special: readonly number[],
  at: string,
): void {
  const wrong = rows.flat().find((id) => !special.includes(id) && (id < 0 || id >= vocabulary));
  if (wrong === undefined) return;
  throw referenceError(at, [`ids of 0 to ${vocabulary - 1}`, ...special].join(", "), String(wrong));
}
