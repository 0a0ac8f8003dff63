import { FusionError } from "../errors/index.ts";
import type { Value } from "../graph/index.ts";
import { adaptiveMaxPool } from "../nn/index.ts";
import type { OpBuilder } from "../ops/index.ts";

/** The latent tokens of a question before any interaction, and the context each of them may look at. */
export interface LatentTokens {
  /** z_0 [B, Q, D] */
  readonly initial: Value;
  /** [B, Q, w², D]: window (i, j) is the w×w block (i, j) of the pooled map. */
  readonly windows: Value;
}

/**
 * z_0 = AdaptiveMaxPool(C → √Q×√Q), C_w = AdaptiveMaxPool(C → w√Q×w√Q) cut into windows (paper 3.2).
 *
 * @param context - C [B, 2√P, 2√P, D]
 * @param latents - Q, a square number; anything else throws OPTION_INVALID
 */
export function latentTokens(op: OpBuilder, context: Value, latents: number, window: number): LatentTokens {
  const side = Math.sqrt(latents);
  if (!Number.isInteger(side) || side < 1) throw notSquare(latents);
  return op.scope("latent_tokens", () => {
    const [batch, , , width] = context.shape;
    const initial = op.Reshape(adaptiveMaxPool(op, context, side), [batch!, latents, width!]);
    const pooled = adaptiveMaxPool(op, context, side * window); // [B, w√Q, w√Q, D]
    op.mark("global.pooled", op.Reshape(pooled, [batch!, latents * window * window, width!]));
    const blocks = op.Transpose(op.Reshape(pooled, [batch!, side, window, side, window, width!]), [0, 1, 3, 2, 4, 5]);
    const windows = op.Reshape(blocks, [batch!, latents, window * window, width!]);
    return { initial: op.mark("global.latent_init", initial), windows: op.mark("global.windows", windows) };
  });
}

function notSquare(latents: number): FusionError {
  return new FusionError({
    code: "OPTION_INVALID",
    at: "latents",
    expected: "a square number of 1 or more",
    actual: String(latents),
    hint: "Choose 4, 16, 36, 64, 144 or another square number.",
  });
}
