import type { Value } from "../graph/index.ts";
import type { OpBuilder } from "../ops/index.ts";
import type { Semantics } from "./config.ts";
import type { EncoderMasks } from "./vision-encoder.ts";

/**
 * Who sees whom in text-guided encoding: low-level vision stays clean of text (paper 3.1, FUSION.md 7).
 *
 * | | first half: vision rows | first half: text rows | second half |
 * |---|---|---|---|
 * | paper | vision keys only | vision and unpadded text | vision and unpadded text |
 * | released | vision and unpadded text | nothing: uniform over ALL keys, padding too | vision and unpadded text |
 *
 * Under `released` the text rows see nothing in the first half, and where nothing is seen attention is uniform.
 *
 * @param textMask - [B, I] 1 for instruction tokens, 0 for padding
 * @param visionRows - rows in front of the text (patches, and CLIP's class token)
 * @returns which keys are seen, bool: [B, 1, V+I, V+I] and [B, 1, 1, V+I]
 */
export function encoderMasks(
  op: OpBuilder,
  semantics: Semantics,
  textMask: Value,
  visionRows: number,
): Required<EncoderMasks> {
  return op.scope("encoder_masks", () => {
    const [batch, length] = textMask.shape as [Value["shape"][number], Value["shape"][number]];
    const text = op.Reshape(op.Greater(textMask, 0), [batch, 1, 1, length]);
    const constant = (seen: boolean, columns: Value["shape"][number]) =>
      op.Expand(op.literal({ dtype: "bool", shape: [], data: Uint8Array.of(seen ? 1 : 0) }), [batch, 1, 1, columns]);
    const vision = constant(true, visionRows);
    const both = op.Concat([vision, text], 3); // [B, 1, 1, V+I]
    const rows = (seen: Value, count: Value["shape"][number]) => op.Expand(seen, [batch, 1, count, seen.shape[3]!]);
    const firstHalf =
      semantics === "paper"
        ? [rows(op.Concat([vision, constant(false, length)], 3), visionRows), rows(both, length)]
        : [rows(both, visionRows), rows(constant(false, both.shape[3]!), length)];
    return { firstHalf: op.Concat(firstHalf, 2), secondHalf: both };
  });
}
