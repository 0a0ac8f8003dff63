import type { Value } from "../graph/index.ts";
import { crossEntropy, weightedMean } from "../nn/index.ts";
import type { OpBuilder } from "../ops/index.ts";
import type { FusionConfig } from "./config.ts";
import { outputLogits } from "./decoder.ts";

/** The answer tokens of a batch: only their rows are projected to the vocabulary. */
export interface AnswerInputs {
  /** int64 [M]: rows that predict, b·S + s − 1. */
  readonly rows: Value;
  /** int64 [M]: the token each should predict. */
  readonly ids: Value;
  /** [M]: 1 for an answer token, 0 for padding. */
  readonly weights: Value;
}

export function answerInputs(op: OpBuilder): AnswerInputs {
  return {
    rows: op.input("answer_rows", "int64", ["M"]),
    ids: op.input("answer_ids", "int64", ["M"]),
    weights: op.input("answer_weights", "float32", ["M"]),
  };
}

/** Next-token cross entropy of answer tokens. */
export interface AnswerLoss {
  /** L_CE, Eq. (14), a scalar. */
  readonly mean: Value;
  /** [M] of each answer token. */
  readonly perToken: Value;
  /** [M, V] */
  readonly logits: Value;
  /** int64 [M] */
  readonly ids: Value;
}

/**
 * L_CE, Eq. (14): mean next-token cross entropy over answer tokens; questions, image and latents are ignored.
 *
 * @param hidden - [B, S, D] after the final norm
 * @param whole - answer tokens of the batch that this is a part of; those of this call when absent
 */
export function answerLoss(
  op: OpBuilder,
  config: FusionConfig,
  hidden: Value,
  answers: AnswerInputs,
  whole?: Value,
): AnswerLoss {
  const logits = outputLogits(op, config, hidden, answers.rows);
  return op.scope("answer_loss", () => {
    const perToken = crossEntropy(op, logits, answers.ids);
    return { mean: weightedMean(op, perToken, answers.weights, whole), perToken, logits, ids: answers.ids };
  });
}
