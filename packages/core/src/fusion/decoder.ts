import { multiplyDims, type Value } from "../graph/index.ts";
import { activate, linear, rmsNorm, ropeTable, ropeValues, rowsGemm } from "../nn/index.ts";
import type { OpBuilder } from "../ops/index.ts";
import type { FusionConfig, LanguageConfig } from "./config.ts";
import { causalBias, type DecoderContext, decoderAttention, type KeyValue, pastBias } from "./decoder-attention.ts";
import { decoderLayerPrefix, embeddingTable, outputTable } from "./names.ts";

/** The cache a call reads: one K and V per layer with fixed capacity C, filled up to `lengths`. */
export interface PastCache {
  readonly layers: readonly KeyValue[];
  /** int64 [B] */
  readonly lengths: Value;
}

export interface DecoderOptions {
  /** int64 [B, S] */
  readonly positions: Value;
  readonly past?: PastCache;
  /** What happens to the hidden state after a layer; interaction layers come in here. */
  readonly afterLayer?: (layer: number, hidden: Value) => Value;
}

export interface DecoderOutput {
  /** After the final norm [B, S, D]. */
  readonly hidden: Value;
  /** This call's keys and values, one per layer. */
  readonly present: readonly KeyValue[];
}

/**
 * The language model from embeddings to the final norm: pre-norm layers of causal attention and SwiGLU.
 *
 * @param embeddings - [B, S, D]
 */
export function decoder(
  op: OpBuilder,
  config: FusionConfig,
  embeddings: Value,
  options: DecoderOptions,
): DecoderOutput {
  const { language } = config;
  const { positions, past, afterLayer } = options;
  const context: DecoderContext = {
    rope: ropeValues(op, ropeTable(language.headDim, language.ropeTheta, language.ropeScaling), positions),
    causalBias: positions.shape[1] === 1 ? undefined : causalBias(op, positions.shape[1]!),
    pastBias: past && pastBias(op, past.lengths, past.layers[0]!.key.shape[3]!),
  };
  const present: KeyValue[] = [];
  let hidden = embeddings;
  for (let layer = 0; layer < language.layers; layer++) {
    const result = decoderLayer(op, language, layer, hidden, context, past?.layers[layer]);
    present.push(result.present);
    hidden = op.mark(`llm.layer${layer}.pre`, result.hidden);
    if (afterLayer) hidden = afterLayer(layer, hidden);
  }
  const normed = rmsNorm(op, "model.norm", hidden, language.normEpsilon);
  return { hidden: op.mark("llm.final_norm", normed), present };
}

function decoderLayer(
  op: OpBuilder,
  config: LanguageConfig,
  layer: number,
  x: Value,
  context: DecoderContext,
  past?: KeyValue,
): { hidden: Value; present: KeyValue } {
  const prefix = decoderLayerPrefix(layer);
  const normed = rmsNorm(op, `${prefix}.input_layernorm`, x, config.normEpsilon);
  const { output, present } = decoderAttention(op, config, `${prefix}.self_attn`, normed, context, past);
  const attended = op.scope(prefix, () => op.Add(x, output));
  const gated = rmsNorm(op, `${prefix}.post_attention_layernorm`, attended, config.normEpsilon);
  const mlp = gatedMlp(op, config, `${prefix}.mlp`, gated);
  return { hidden: op.scope(prefix, () => op.Add(attended, mlp)), present };
}

/** down(silu(gate(x)) · up(x)); Phi-3 keeps gate and up in one matrix. */
function gatedMlp(op: OpBuilder, config: LanguageConfig, prefix: string, x: Value): Value {
  const { hiddenSize, intermediateSize: inner, fusedProjections } = config;
  const project = (name: string, outFeatures: number) =>
    linear(op, `${prefix}.${name}`, x, { inFeatures: hiddenSize, outFeatures });
  const [gate, up] = fusedProjections
    ? splitHalves(op, prefix, project("gate_up_proj", 2 * inner), inner)
    : [project("gate_proj", inner), project("up_proj", inner)];
  const product = op.scope(prefix, () => op.Mul(activate(op, "silu", gate!), up!));
  return linear(op, `${prefix}.down_proj`, product, { inFeatures: inner, outFeatures: hiddenSize });
}

function splitHalves(op: OpBuilder, scope: string, x: Value, half: number): Value[] {
  return op.scope(scope, () => op.Split(x, [half, half], -1));
}

/**
 * Next-token logits of chosen rows.
 *
 * @param hidden - [B, S, D]
 * @param rows - int64 [M], numbered through the batch: b·S + s
 * @returns [M, V]
 */
export function outputLogits(op: OpBuilder, { language }: FusionConfig, hidden: Value, rows: Value): Value {
  const { vocabularySize, hiddenSize } = language;
  const table = op.parameter(language.tiedEmbeddings ? embeddingTable : outputTable, [vocabularySize, hiddenSize]);
  return op.scope("lm_head", () => {
    const picked = op.Gather(flattenRows(op, hidden), rows); // [M, D]
    return op.mark("llm.logits", rowsGemm(op, picked, table, vocabularySize));
  });
}

/** [..., D] → [rows, D] */
export function flattenRows(op: OpBuilder, x: Value): Value {
  return op.Reshape(x, [multiplyDims(...x.shape.slice(0, -1)), x.shape.at(-1)!]);
}
