import type { Value } from "../graph/index.ts";
import type { OpBuilder } from "../ops/index.ts";

/** Frequencies of rotary position embedding, and how cos and sin are scaled. */
export interface RopeTable {
  /** Inverse frequencies [H/2] for positions up to `originalLength`. */
  readonly short: Float32Array;
  /** Inverse frequencies [H/2] once any position of a sample is past `originalLength`; absent when there is one regime. */
  readonly long?: Float32Array;
  readonly originalLength?: number;
  /** Factor on cos and sin in both regimes (longrope); 1 otherwise. */
  readonly attentionScaling: number;
}

const { fround } = Math;

/** The `rope_scaling` of a config.json, by its `rope_type`. */
export type RopeScaling =
  | { readonly type: "plain" }
  | {
      readonly type: "longrope";
      readonly shortFactor: readonly number[];
      readonly longFactor: readonly number[];
      readonly originalMaxPositionEmbeddings: number;
      readonly maxPositionEmbeddings: number;
    }
  | {
      readonly type: "llama3";
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      readonly originalMaxPositionEmbeddings: number;
    };

/**
 * The frequencies θ^(−2i/H) under a scaling, in float32 as the reference computes them.
 *
 * longrope (Phi-3): each frequency divided by its short or long factor, cos and sin times √(1 + ln(max/orig)/ln(orig)).
 * llama3 (Llama 3.1): long wavelengths divided by `factor`, a smooth blend between the two frequency bounds.
 *
 * @see transformers 4.48 `modeling_rope_utils.py`
 */
export function ropeTable(headDim: number, theta: number, scaling: RopeScaling): RopeTable {
  const periods = Float32Array.from({ length: headDim / 2 }, (_, i) => theta ** fround((2 * i) / headDim));
  const plain = periods.map((period) => 1 / period);
  switch (scaling.type) {
    case "plain":
      return { short: plain, attentionScaling: 1 };
    case "longrope": {
      const { originalMaxPositionEmbeddings: original, maxPositionEmbeddings: maximum } = scaling;
      const divided = (factors: readonly number[]) =>
        periods.map((period, i) => 1 / fround(fround(factors[i]!) * period));
      const stretch = maximum / original;
      return {
        short: divided(scaling.shortFactor),
        long: divided(scaling.longFactor),
        originalLength: original,
        attentionScaling: stretch <= 1 ? 1 : Math.sqrt(1 + Math.log(stretch) / Math.log(original)),
      };
    }
    case "llama3":
      return { short: plain.map((frequency) => llama3Frequency(frequency, scaling)), attentionScaling: 1 };
  }
}

/** Rounded to float32 after every step: at position 9000 the last bit of a frequency is 1e-6 of an angle. */
function llama3Frequency(frequency: number, scaling: RopeScaling & { type: "llama3" }): number {
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings: original } = scaling;
  const wavelength = fround((2 * Math.PI) / frequency);
  if (wavelength > original / lowFreqFactor) return frequency / factor;
  if (wavelength < original / highFreqFactor) return frequency;
  const smooth = fround(fround(fround(original / wavelength) - lowFreqFactor) / (highFreqFactor - lowFreqFactor));
  const stretched = fround(fround(fround(1 - smooth) * frequency) / factor);
  return stretched + fround(smooth * frequency);
}

export interface RopeValues {
  /** [B, S, H/2] */
  readonly cos: Value;
  /** [B, S, H/2] */
  readonly sin: Value;
}

/** cos and sin of position × frequency for positions [B, S] int64; each half of a head uses the same H/2 columns. */
export function ropeValues(op: OpBuilder, table: RopeTable, positions: Value): RopeValues {
  return op.scope("rotary_emb", () => {
    const [batch, length] = positions.shape;
    const position = op.Reshape(op.Cast(positions, "float32"), [batch!, length!, 1]);
    const angle = op.Mul(position, frequencies(op, table, positions)); // [B, S, H/2]
    const scaled = (x: Value) => (table.attentionScaling === 1 ? x : op.Mul(x, table.attentionScaling));
    return { cos: scaled(op.Cos(angle)), sin: scaled(op.Sin(angle)) };
  });
}

/**
 * The long frequencies hold for a whole sample as soon as one of its positions lies past the original length.
 *
 * differs from official: there one long sample switches its whole batch, so that results depend on the company.
 *
 * @returns [H/2], or [B, 1, H/2] where there are two regimes
 */
function frequencies(op: OpBuilder, table: RopeTable, positions: Value): Value {
  const short = op.floats([table.short.length], table.short);
  if (!table.long || table.originalLength === undefined) return short;
  const highest = op.ReduceMax(positions, [1], true); // [B, 1]
  const isLong = op.Reshape(op.GreaterOrEqual(highest, table.originalLength), [positions.shape[0]!, 1, 1]);
  return op.Where(isLong, op.floats([table.long.length], table.long), short);
}

/**
 * Rotates pairs (x_i, x_{i+H/2}) by the angle of their position.
 *
 * @param x - [B, S, A, H]
 */
export function applyRope(op: OpBuilder, x: Value, { cos, sin }: RopeValues): Value {
  const [batch, length, , headDim] = x.shape;
  const half = (headDim as number) / 2;
  const [c, s] = [cos, sin].map((table) => op.Reshape(table, [batch!, length!, 1, half])) as [Value, Value];
  const [left, right] = op.Split(x, [half, half], -1) as [Value, Value];
  const rotatedLeft = op.Sub(op.Mul(left, c), op.Mul(right, s));
  const rotatedRight = op.Add(op.Mul(right, c), op.Mul(left, s));
  return op.Concat([rotatedLeft, rotatedRight], -1);
}
