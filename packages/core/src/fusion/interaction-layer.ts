import { divideDims, multiplyDims, type Value } from "../graph/index.ts";
import { activate, attend, layerNorm, linear } from "../nn/index.ts";
import type { OpBuilder } from "../ops/index.ts";
import type { FusionConfig } from "./config.ts";
import { interactionPrefix } from "./names.ts";

/** LayerNorm epsilon inside interaction layers: a literal of the reference. */
const normEpsilon = 1e-5;

export interface InteractionInputs {
  /** h: hidden state at the end of each question [B, R, D]. */
  readonly questions: Value;
  /** z: latent tokens of each question [B, R, Q, D]. */
  readonly latents: Value;
  /** Windows of context [B, Q, w², D]; latent (r, q) sees window q only. */
  readonly windows: Value;
}

/**
 * Aggregates a window of global context into each latent token (context-aware recursive alignment decoding).
 *
 *     q    = W_in [h ; z]                                     (9)
 *     K, V = LN + Linear of (W_ctx · window)                  (10)(11)
 *     u    = LN( o_proj(Attention(Linear(LN(q)), K, V)) + q )
 *     z'   = z + W_2 · GELU(W_1 · u)
 *
 * Keys and values depend on the image alone, so they are computed once for all R questions.
 *
 * @param index - which interaction layer, counted from 0
 * @returns z' [B, R, Q, D]
 * @see paper 3.2; reference `fusion/model/vision_sampler.py`
 */
export function interactionLayer(op: OpBuilder, config: FusionConfig, index: number, inputs: InteractionInputs): Value {
  const { questions, latents, windows } = inputs;
  const prefix = interactionPrefix(index);
  const width = config.language.hiddenSize;
  const plain = { inFeatures: width, outFeatures: width };
  const repeated = op.scope(prefix, () => repeatForLatents(op, questions, latents));
  const joined = op.scope(prefix, () => op.Concat([repeated, latents], -1)); // [B, R, Q, 2D]
  const query = linear(op, `${prefix}.proj_in`, joined, { inFeatures: 2 * width, outFeatures: width }); // (9)
  const context = linear(op, `${prefix}.proj_context`, windows, plain); // (10)(11) [B, Q, w², D]

  const normed = (name: string, x: Value) => {
    const part = `${prefix}.cross_attn.${name}`;
    return linear(op, `${part}.1`, layerNorm(op, `${part}.0`, x, normEpsilon), plain);
  };
  const [q, k, v] = [normed("q_proj", query), normed("k_proj", context), normed("v_proj", context)];
  const attended = op.scope(`${prefix}.cross_attn`, () => windowAttention(op, q, k, v, config.interaction.heads));
  const output = linear(op, `${prefix}.cross_attn.o_proj`, attended, plain);
  const u = layerNorm(
    op,
    `${prefix}.norm`,
    op.scope(prefix, () => op.Add(output, query)),
    normEpsilon,
  );
  const inner = linear(op, `${prefix}.proj_out.linear_1`, u, plain);
  const outer = linear(
    op,
    `${prefix}.proj_out.linear_2`,
    op.scope(prefix, () => activate(op, "gelu", inner)),
    plain,
  );
  return op.scope(prefix, () => op.Add(latents, outer));
}

/** [B, R, D] → [B, R, Q, D] */
function repeatForLatents(op: OpBuilder, questions: Value, latents: Value): Value {
  const [batch, count, width] = questions.shape;
  return op.Expand(op.Reshape(questions, [batch!, count!, 1, width!]), latents.shape);
}

/**
 * One query against the w² keys of its own window, in each head.
 *
 * @param query - [B, R, Q, D]
 * @param key - [B, Q, w², D]
 * @returns [B, R, Q, D]
 */
function windowAttention(op: OpBuilder, query: Value, key: Value, value: Value, heads: number): Value {
  const [batch, questions, count, width] = query.shape;
  const size = divideDims(width!, heads) as number;
  const area = key.shape[2]!;
  // Windows are the batch of the matrix product; the R questions that share a window are its rows.
  const q = op.Transpose(op.Reshape(query, [batch!, questions!, count!, heads, size]), [0, 2, 3, 1, 4]); // [B, Q, A, R, H]
  const perHead = (x: Value) => op.Transpose(op.Reshape(x, [batch!, count!, area, heads, size]), [0, 1, 3, 2, 4]);
  const [k, v] = [perHead(key), perHead(value)]; // [B, Q, A, w², H]
  const attended = attend(op, q, k, v, size ** -0.5); // [B, Q, A, R, H]
  return op.Reshape(op.Transpose(attended, [0, 3, 1, 2, 4]), [batch!, questions!, count!, multiplyDims(heads, size)]);
}
