import type { Value } from "../graph/index.ts";
import { maskedScore } from "../nn/index.ts";
import type { OpBuilder } from "../ops/index.ts";
import type { Semantics } from "./config.ts";
import type { EncoderMasks } from "./vision-encoder.ts";

/**
 * Who sees whom in text-guided encoding: low-level vision stays clean of text (paper 3.1, FUSION.md 7).
 *
 * | | first half: vision rows | first half: text rows | second half |
 * |---|---|---|---|
 * | paper | vision keys only | vision and unpadded text | vision and unpadded text |
 * | released | vision and unpadded text | every score replaced by the mask: uniform over ALL keys | vision and unpadded text |
 *
 * Under `released` the text rows get {@link maskedScore} on every key. It is added to the score and absorbs it in
 * float32, which gives the reference's uniform attention forward and its gradient backward.
 *
 * @param textMask - [B, I] 1 for instruction tokens, 0 for padding
 * @param visionRows - rows in front of the text (patches, and CLIP's class token)
 * @returns biases [B, 1, V+I, V+I] and [B, 1, 1, V+I]
 */
export function encoderMasks(
  op: OpBuilder,
  semantics: Semantics,
  textMask: Value,
  visionRows: number,
): Required<EncoderMasks> {
  return op.scope("encoder_masks", () => {
    const [batch, length] = textMask.shape as [Value["shape"][number], Value["shape"][number]];
    const textBias = op.Reshape(op.Mul(op.Sub(1, textMask), maskedScore), [batch, 1, 1, length]);
    const visionBias = op.Expand(op.operand(0, "float32"), [batch, 1, 1, visionRows]);
    const keyBias = op.Concat([visionBias, textBias], 3); // [B, 1, 1, V+I]
    const blocked = op.Expand(op.operand(maskedScore, "float32"), [batch, 1, 1, length]);
    const rows = (bias: Value, count: Value["shape"][number]) => op.Expand(bias, [batch, 1, count, bias.shape[3]!]);
    const firstHalf =
      semantics === "paper"
        ? [rows(op.Concat([visionBias, blocked], 3), visionRows), rows(keyBias, length)]
        : [rows(keyBias, visionRows), rows(op.Expand(op.operand(maskedScore, "float32"), keyBias.shape), length)];
    return { firstHalf: op.Concat(firstHalf, 2), secondHalf: keyBias };
  });
}
