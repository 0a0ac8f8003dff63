import { type Dim, multiplyDims, type Value } from "../graph/index.ts";
import type { OpBuilder } from "../ops/index.ts";

export interface LinearOptions {
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly bias?: boolean;
}

/**
 * y = x·Wᵀ + b with the parameters `<name>.weight` [out, in] and `<name>.bias` [out], as PyTorch stores them.
 *
 * Written as Gemm with transB, so the checkpoint's layout is used in place.
 *
 * @param x - [..., in]
 * @returns [..., out]
 */
export function linear(op: OpBuilder, name: string, x: Value, { inFeatures, outFeatures, bias }: LinearOptions): Value {
  const weight = op.parameter(`${name}.weight`, [outFeatures, inFeatures]);
  const addend = bias ? op.parameter(`${name}.bias`, [outFeatures]) : undefined;
  return op.scope(name, () => rowsGemm(op, x, weight, outFeatures, addend));
}

/** x·Wᵀ + b for x of any rank: leading axes are flattened to rows around one Gemm. */
export function rowsGemm(op: OpBuilder, x: Value, weight: Value, outFeatures: number, bias?: Value): Value {
  const leading = x.shape.slice(0, -1);
  const rows: Dim = multiplyDims(...leading);
  const flat = op.Reshape(x, [rows, x.shape.at(-1)!]);
  return op.Reshape(op.Gemm(flat, weight, bias, { transB: 1 }), [...leading, outFeatures]);
}
