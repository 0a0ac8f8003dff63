import { type FusionConfig, fusionParameters, type SequenceLayout } from "../fusion/index.ts";
import { float32, int64, toFloat32 } from "../tensor/index.ts";
import { type TrainingBatch, TrainingState } from "../train/index.ts";
import type { Comparison } from "./compare.ts";
import { completeRows, lossRows, normsRow, requireParameters, stridedRows } from "./gradient-table.ts";
import { imageFeeds } from "./recorded-images.ts";
import { recordedLayout } from "./recorded-text.ts";
import { referenceError } from "./reference-error.ts";
import { gradientFiles, type ReferenceVariant, type Tensors } from "./reference-folder.ts";
import { type PreparedComparison, type VerifyContext, variantConfig } from "./verify-forward.ts";

/** What a variant recorded of training; absent files are empty. */
interface RecordedTraining {
  readonly strided: Tensors;
  readonly full: Tensors;
  readonly stepped: Tensors;
}

/**
 * Reads what the variant recorded of gradients and of AdamW's steps; nothing where it has no strided gradients. Running it
 * trains the model on the recorded batch, as `TrainingState` does, and compares gradients, losses and parameters.
 *
 * @throws REFERENCE_INVALID for a parameter that this model does not have, or a batch without answers
 */
export async function prepareGradients(
  context: VerifyContext,
  name: string,
  variant: ReferenceVariant,
): Promise<PreparedComparison[]> {
  const { reference, text } = context;
  const files = gradientFiles(name, variant);
  if (!reference.others.includes(files.strided)) return [];
  const config = variantConfig(context.config, variant);
  const shapes = fusionParameters(config);
  const read = async (file: string): Promise<Tensors> => {
    const tensors = reference.others.includes(file) ? await reference.read(file) : new Map();
    requireParameters(tensors, shapes, file);
    return tensors;
  };
  const recorded = {
    strided: await read(files.strided),
    full: await read(files.full),
    stepped: await read(files.stepped),
  };
  const layout = recordedLayout(text, config, variant.query_len);
  if (layout.answers.ids.length === 0) {
    throw referenceError(`${reference.folder}: labels`, "answer tokens, for gradients", "none");
  }
  return [() => compareTraining(context, name, variant, config, batchOf(context, config, layout), recorded)];
}

async function compareTraining(
  { backend, weights, tolerance }: VerifyContext,
  name: string,
  variant: ReferenceVariant,
  config: FusionConfig,
  batch: TrainingBatch,
  recorded: RecordedTraining,
): Promise<Comparison[]> {
  const { adamw, grad_norms: norms, query_len: latents } = variant;
  const [beta1, beta2] = adamw?.betas ?? [];
  const read = async (parameter: string) => toFloat32(await weights.read(parameter));
  const options = { maxGradientNorm: 0, fixedSizes: true, ...(adamw && { beta1, beta2, epsilon: adamw.eps }) };
  const state = await TrainingState.create(backend, config, read, options);
  try {
    let losses = await state.accumulate([batch], latents);
    const gradient = await state.read("gradient");
    const rows = [
      ...lossRows(`${name}_grads/losses`, variant.losses, losses, tolerance),
      ...stridedRows(`${name}_grads`, recorded.strided, gradient, tolerance),
      ...completeRows(`${name}_grads_full`, recorded.full, gradient, tolerance),
      ...(norms ? [normsRow(`${name}_grads`, norms, gradient, tolerance)] : []),
    ];
    if (!adamw) return rows;
    for (const [step, expected] of adamw.losses_before_and_after_each_step.entries()) {
      if (step > 0) {
        await state.update(adamw.lr);
        losses = await state.accumulate([batch], latents);
      }
      rows.push(...lossRows(`${name}_adamw/losses_after_${step}_steps`, expected, losses, tolerance));
    }
    return [...rows, ...completeRows(`${name}_adamw`, recorded.stepped, await state.read(), tolerance)];
  } finally {
    await state.dispose();
  }
}

/** The recorded batch as one part, without any padding of ours. */
function batchOf({ text, images }: VerifyContext, config: FusionConfig, layout: SequenceLayout): TrainingBatch {
  const { rows, ids } = layout.answers;
  const [samples, instructionLength] = text.instructions.shape as readonly [number, number];
  const ones = (count: number) => float32([count], new Float32Array(count).fill(1));
  return {
    feeds: {
      ...layout.feeds,
      ...imageFeeds(images, images.index, config),
      instruction_ids: text.instructions,
      instruction_mask: text.instructionMask,
      answer_rows: int64([rows.length], rows),
      answer_ids: int64([ids.length], ids),
      answer_weights: ones(ids.length),
      sample_weights: ones(samples),
    },
    sizes: {
      B: samples,
      I: instructionLength,
      M: rows.length,
      R: layout.feeds.question_rows!.shape[1]!,
      S: layout.length,
      T: layout.feeds.input_ids!.shape[1]!,
    },
    answerTokens: ids.length,
    answerSamples: rows.map((row) => Math.floor(row / layout.length)),
    instructionTokens: text.instructionMask.data.reduce((sum, weight) => sum + weight, 0),
    samples,
  };
}
