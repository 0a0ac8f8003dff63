import type { Value } from "../graph/index.ts";
import type { OpBuilder } from "../ops/index.ts";
import type { FusionConfig } from "./config.ts";
import { encoderMasks } from "./encoder-masks.ts";
import { hierarchicalFeatures } from "./hierarchical-features.ts";
import { embeddingTable } from "./names.ts";
import { textToVision, visionToText } from "./projectors.ts";
import { visionEmbedding } from "./vision-embedding.ts";
import { visionEncoder } from "./vision-encoder.ts";

/** What text-guided encoding of the whole image gives. */
export interface TextGuidedEncoding {
  /** F_v2t[0 … P−1]: the image in text space [B, P, D]. */
  readonly image: Value;
  /** F_v2t[P …]: the instruction rebuilt from vision space [B, I, D]. */
  readonly rebuiltText: Value;
  /** F_t [B, I, D], Eq. (1). */
  readonly instruction: Value;
  /** F_v0 [B, P, E]: patch rows of h_0. */
  readonly patches: Value;
}

/**
 * Text-guided unified vision encoding, paper 3.1, Eq. (1)–(8): the whole image together with the instruction.
 *
 * @param pixels - [B, 3, c, c]
 * @param instructionIds - int64 [B, I]
 * @param instructionMask - [B, I] 1 for tokens, 0 for padding
 */
export function textGuidedEncoding(
  op: OpBuilder,
  config: FusionConfig,
  pixels: Value,
  instructionIds: Value,
  instructionMask: Value,
): TextGuidedEncoding {
  const { vision } = config;
  const instruction = op.mark("vision.instruct_embeddings", embedTokens(op, config, instructionIds)); // (1) [B, I, D]
  const text = op.mark("vision.instruct_states", textToVision(op, config, instruction)); // (2) [B, I, E]
  const embedded = visionEmbedding(op, vision, pixels); // [B, V, E], V = P or 1+P
  const visionRows = embedded.shape[1] as number;
  const masks = encoderMasks(op, config.semantics, instructionMask, visionRows);
  const joint = op.Concat([embedded, text], 1); // X_0 [B, V+I, E]
  const hidden = visionEncoder(op, vision, joint, masks, "vision.text"); // (3)
  const features = op.mark("vision.text.connector", hierarchicalFeatures(op, hidden, vision.half)); // (4)–(7)
  const projected = op.mark("vision.text.mm", visionToText(op, config, features)); // (8) [B, V+I, D]
  const firstPatch = vision.classToken ? 1 : 0;
  return {
    image: op.Slice(projected, 1, firstPatch, visionRows),
    rebuiltText: op.Slice(projected, 1, visionRows),
    instruction,
    patches: op.Slice(hidden[0]!, 1, firstPatch, visionRows),
  };
}

/** Rows of the language model's embedding table. int64 [...] → [..., D] */
export function embedTokens(op: OpBuilder, { language }: FusionConfig, ids: Value): Value {
  const table = op.parameter(embeddingTable, [language.vocabularySize, language.hiddenSize]);
  return op.scope("model.embed_tokens", () => op.Gather(table, ids));
}
