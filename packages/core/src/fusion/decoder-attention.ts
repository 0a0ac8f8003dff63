import { multiplyDims, type Value } from "../graph/index.ts";
import {
  applyRope,
  attentionScores,
  linear,
  maskedScore,
  mergeHeads,
  type RopeValues,
  weighValues,
} from "../nn/index.ts";
import type { OpBuilder } from "../ops/index.ts";
import type { LanguageConfig } from "./config.ts";

/** Keys and values of one layer. Keys are stored transposed, ready to stand on the right of a MatMul. */
export interface KeyValue {
  /** [B, K, H, S] */
  readonly key: Value;
  /** [B, K, S, H] */
  readonly value: Value;
}

/** What the rows of a call may attend to. */
export interface DecoderContext {
  readonly rope: RopeValues;
  /** [1, 1, 1, S, S] causal bias among the rows of this call; absent for a single row. */
  readonly causalBias?: Value;
  /** [B, 1, 1, 1, C] bias of the cache's unfilled part; present exactly when there is a cache. */
  readonly pastBias?: Value;
}

/**
 * Causal self-attention with rotary positions and grouped queries, over an optional cache and the rows of this call.
 *
 * The cache has a fixed capacity C and is read, never rewritten: scores against cache and new rows are joined for one
 * softmax, and only the new keys and values leave the graph (large state in, small deltas out).
 *
 * @param x - [B, S, D], normalised
 * @param past - K and V of the rows before this call, capacity C
 * @returns the attention output [B, S, D] and this call's keys and values
 */
export function decoderAttention(
  op: OpBuilder,
  config: LanguageConfig,
  prefix: string,
  x: Value,
  context: DecoderContext,
  past?: KeyValue,
): { output: Value; present: KeyValue } {
  const { heads, keyValueHeads, headDim, hiddenSize } = config;
  const [query, key, value] = projections(op, config, prefix, x);
  const { merged, present } = op.scope(prefix, () => {
    const [batch, length] = x.shape as [Value["shape"][number], Value["shape"][number]];
    const group = heads / keyValueHeads;
    const rotated = applyRope(op, op.Reshape(query, [batch, length, heads, headDim]), context.rope); // [B, S, A, H]
    const grouped = op.Reshape(rotated, [batch, length, keyValueHeads, group, headDim]);
    const rows = multiplyDims(group, length);
    const q = op.Reshape(op.Transpose(op.Mul(grouped, headDim ** -0.5), [0, 2, 3, 1, 4]), [
      batch,
      keyValueHeads,
      rows,
      headDim,
    ]);
    const keys = applyRope(op, op.Reshape(key, [batch, length, keyValueHeads, headDim]), context.rope);
    const ownKeys = op.Transpose(keys, [0, 2, 1, 3]); // [B, K, S, H]
    const present: KeyValue = {
      key: op.Transpose(ownKeys, [0, 1, 3, 2]),
      value: op.Transpose(op.Reshape(value, [batch, length, keyValueHeads, headDim]), [0, 2, 1, 3]),
    };

    const scores = (raw: Value, bias?: Value) => {
      const perQuery = op.Reshape(raw, [batch, keyValueHeads, group, length, raw.shape.at(-1)!]);
      return bias ? op.Add(perQuery, bias) : perQuery;
    };
    const weigh = (weights: Value, part: KeyValue) =>
      weighValues(op, op.Reshape(weights, [batch, keyValueHeads, rows, part.key.shape[3]!]), part.value); // [B, K, G*S, H]

    const fresh = scores(attentionScores(op, q, ownKeys), context.causalBias);
    let attended: Value;
    if (past) {
      const seenScores = scores(op.MatMul(q, past.key), context.pastBias);
      const joined = op.Softmax(op.Concat([seenScores, fresh], -1)); // [B, K, G, S, C+S]
      const capacity = past.key.shape[3]!;
      const seen = op.SliceTo(joined, -1, capacity);
      const own = op.SliceFrom(joined, -1, capacity);
      attended = op.Add(weigh(seen, past), weigh(own, present));
    } else {
      attended = weigh(op.Softmax(fresh), present);
    }
    const perHead = op.Reshape(attended, [batch, keyValueHeads, group, length, headDim]);
    const merged = mergeHeads(op, op.Reshape(perHead, [batch, heads, length, headDim])); // [B, S, A*H]
    return { merged, present };
  });
  const output = linear(op, `${prefix}.o_proj`, merged, { inFeatures: heads * headDim, outFeatures: hiddenSize });
  return { output, present };
}

/** Phi-3 keeps q, k and v in one matrix, Llama in three. */
function projections(op: OpBuilder, config: LanguageConfig, prefix: string, x: Value): [Value, Value, Value] {
  const { hiddenSize: inFeatures, heads, keyValueHeads, headDim, fusedProjections } = config;
  const [wide, narrow] = [heads * headDim, keyValueHeads * headDim];
  if (fusedProjections) {
    const joined = linear(op, `${prefix}.qkv_proj`, x, { inFeatures, outFeatures: wide + 2 * narrow });
    return op.scope(prefix, () => op.Split(joined, [wide, narrow, narrow], -1)) as [Value, Value, Value];
  }
  return [
    linear(op, `${prefix}.q_proj`, x, { inFeatures, outFeatures: wide }),
    linear(op, `${prefix}.k_proj`, x, { inFeatures, outFeatures: narrow }),
    linear(op, `${prefix}.v_proj`, x, { inFeatures, outFeatures: narrow }),
  ];
}

/**
 * Row i of this call sees row j when j ≤ i: by place, because padding rows share a position with the last row that counts.
 *
 * @returns [1, 1, 1, S, S]
 */
export function causalBias(op: OpBuilder, length: Value["shape"][number]): Value {
  return op.scope("causal_bias", () => {
    const places = op.Range(length);
    const rows = op.Reshape(places, [length, 1]);
    const bias = op.Where(op.GreaterOrEqual(rows, places), 0, maskedScore); // [S, S]
    return op.Reshape(bias, [1, 1, 1, length, length]);
  });
}

/** Slot j of the cache is seen when j < length. lengths int64 [B] → [B, 1, 1, 1, C] */
export function pastBias(op: OpBuilder, lengths: Value, capacity: Value["shape"][number]): Value {
  return op.scope("past_bias", () => {
    const batch = lengths.shape[0]!;
    const filled = op.Less(op.Range(capacity), op.Reshape(lengths, [batch, 1])); // [B, C]
    return op.Reshape(op.Where(filled, 0, maskedScore), [batch, 1, 1, 1, capacity]);
  });
}
