import type { Value } from "../graph/index.ts";
import { activate, attend, layerNorm, linear, mergeHeads, splitHeads } from "../nn/index.ts";
import type { OpBuilder } from "../ops/index.ts";
import type { VisionConfig } from "./config.ts";
import { encoderLayerPrefix } from "./names.ts";

/** Which keys a row sees in the two halves of the tower, bool; absent where every row sees every key. */
export interface EncoderMasks {
  readonly firstHalf?: Value;
  readonly secondHalf?: Value;
}

/**
 * X_{i+1} = EncoderLayer_i(X_i), Eq. (3): pre-LN ViT layers with joint self-attention of patches and text.
 *
 * @param states - X_0 [B, T, E]
 * @param mark - prefix of the names under which every h_i is marked
 * @returns h_0 … h_layers, each [B, T, E]
 */
export function visionEncoder(
  op: OpBuilder,
  config: VisionConfig,
  states: Value,
  masks: EncoderMasks,
  mark: string,
): Value[] {
  const hidden = [op.mark(`${mark}.h0`, states)];
  for (let layer = 0; layer < config.layers; layer++) {
    const mask = layer < config.half ? masks.firstHalf : masks.secondHalf;
    const { states } = encoderLayer(op, config, layer, hidden[layer]!, { mask });
    hidden.push(op.mark(`${mark}.h${layer + 1}`, states));
  }
  return hidden;
}

/** Keys and values of rows of one layer, each [B, A, T, H]. */
export interface EncoderKeyValue {
  readonly key: Value;
  readonly value: Value;
}

export interface EncoderLayerOptions {
  /** Which keys the rows see, bool; all when absent. */
  readonly mask?: Value;
  /** Rows in front, which these rows see and which do not see them. */
  readonly before?: EncoderKeyValue;
}

/** x + Attention(LN(x)), then x + MLP(LN(x)); the keys and values of the rows of x besides. */
export function encoderLayer(
  op: OpBuilder,
  config: VisionConfig,
  layer: number,
  x: Value,
  options: EncoderLayerOptions,
): { readonly states: Value; readonly own: EncoderKeyValue } {
  const prefix = encoderLayerPrefix(layer);
  const { hiddenSize, intermediateSize, normEpsilon } = config;
  const normedRows = layerNorm(op, `${prefix}.layer_norm1`, x, normEpsilon);
  const { output, own } = selfAttention(op, config, `${prefix}.self_attn`, normedRows, options);
  const attended = op.scope(prefix, () => op.Add(x, output));
  const normed = layerNorm(op, `${prefix}.layer_norm2`, attended, normEpsilon);
  const inner = linear(op, `${prefix}.mlp.fc1`, normed, {
    inFeatures: hiddenSize,
    outFeatures: intermediateSize,
    bias: true,
  });
  const active = op.scope(`${prefix}.mlp`, () => activate(op, config.activation, inner));
  const outer = linear(op, `${prefix}.mlp.fc2`, active, {
    inFeatures: intermediateSize,
    outFeatures: hiddenSize,
    bias: true,
  });
  return { states: op.scope(prefix, () => op.Add(attended, outer)), own };
}

function selfAttention(
  op: OpBuilder,
  config: VisionConfig,
  prefix: string,
  x: Value,
  { mask, before }: EncoderLayerOptions,
): { readonly output: Value; readonly own: EncoderKeyValue } {
  const { hiddenSize, heads } = config;
  const project = (name: string, input: Value) =>
    linear(op, `${prefix}.${name}`, input, { inFeatures: hiddenSize, outFeatures: hiddenSize, bias: true });
  const [query, key, value] = [project("q_proj", x), project("k_proj", x), project("v_proj", x)];
  const { merged, own } = op.scope(prefix, () => {
    const q = splitHeads(op, query, heads); // [B, A, T, H]
    const own = { key: splitHeads(op, key, heads), value: splitHeads(op, value, heads) };
    const k = before ? op.Concat([before.key, own.key], 2) : own.key;
    const v = before ? op.Concat([before.value, own.value], 2) : own.value;
    return { merged: mergeHeads(op, attend(op, q, k, v, (hiddenSize / heads) ** -0.5, mask)), own };
  });
  return { output: project("out_proj", merged), own };
}
