import type { Value } from "../graph/index.ts";
import { cosineDistance, weightedMean } from "../nn/index.ts";
import type { OpBuilder } from "../ops/index.ts";
import type { FusionConfig } from "./config.ts";
import { textToVision } from "./projectors.ts";
import type { TextGuidedEncoding } from "./text-guided-encoding.ts";

/** The two halves of the dual-supervised semantic mapping loss, scalars. */
export interface SemanticMappingLoss {
  /** L_v2t, Eq. (12). */
  readonly visionToText: Value;
  /** L_t2v, Eq. (13). */
  readonly textToVision: Value;
}

/**
 * What this call's losses are averaged over when it is one of several parts of a batch: gradients of the parts then add
 * up to those of the whole.
 */
export interface BatchShare {
  /** Answer tokens of the whole batch, a scalar. */
  readonly answerTokens: Value;
  /** Unpadded instruction tokens of the whole batch, a scalar. */
  readonly instructionTokens: Value;
  /** Samples of the whole batch, a scalar. */
  readonly samples: Value;
  /** [B]: 1 for a sample of this call, 0 for padding. */
  readonly sampleWeights: Value;
}

/** Declares the inputs of a part of a batch. */
export function batchShare(op: OpBuilder): BatchShare {
  return {
    answerTokens: op.input("batch_answer_tokens", "float32", []),
    instructionTokens: op.input("batch_instruction_tokens", "float32", []),
    samples: op.input("batch_samples", "float32", []),
    sampleWeights: op.input("sample_weights", "float32", ["B"]),
  };
}

/**
 * L_v2t = mean over unpadded instruction tokens of 1 − cos(F_v2t[P+i], F_t[i])     (12)
 * L_t2v = mean over patches of 1 − cos(MLP_t2v(F_v2t[p]), F_v0[p])                 (13)
 *
 * Nothing is detached: both sides receive gradients. Without any instruction token L_v2t is 0.
 *
 * @param instructionMask - [B, I] 1 for tokens, 0 for padding
 * @param whole - the batch that this is a part of; this call is a whole batch when absent
 */
export function semanticMappingLoss(
  op: OpBuilder,
  config: FusionConfig,
  encoding: TextGuidedEncoding,
  instructionMask: Value,
  whole?: BatchShare,
): SemanticMappingLoss {
  const rebuilt = op.mark("vision.vision_features", textToVision(op, config, encoding.image)); // [B, P, E]
  const patches = op.mark("vision.vision_embeddings", encoding.patches);
  return op.scope("semantic_mapping", () => {
    const textDistance = cosineDistance(op, encoding.rebuiltText, encoding.instruction); // [B, I]
    const patchDistance = cosineDistance(op, rebuilt, patches); // [B, P]
    return {
      visionToText: weightedMean(op, textDistance, instructionMask, whole?.instructionTokens),
      textToVision: whole
        ? weightedMean(op, op.ReduceMean(patchDistance, [1], false), whole.sampleWeights, whole.samples)
        : op.ReduceMean(patchDistance, [0, 1], false),
    };
  });
}
