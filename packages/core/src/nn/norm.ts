import type { Value } from "../graph/index.ts";
import type { OpBuilder } from "../ops/index.ts";

/** LayerNorm over the last axis with `<name>.weight` and `<name>.bias` [features]. */
export function layerNorm(op: OpBuilder, name: string, x: Value, epsilon: number): Value {
  const features = x.shape.at(-1) as number;
  const weight = op.parameter(`${name}.weight`, [features]);
  const bias = op.parameter(`${name}.bias`, [features]);
  return op.scope(name, () => op.LayerNormalization(x, weight, bias, epsilon));
}

/** x / √(mean(x²) + ε) · weight over the last axis, with `<name>.weight` [features]. */
export function rmsNorm(op: OpBuilder, name: string, x: Value, epsilon: number): Value {
  const weight = op.parameter(`${name}.weight`, [x.shape.at(-1) as number]);
  return op.scope(name, () => {
    const meanSquare = op.ReduceMean(op.Mul(x, x), [-1]);
    return op.Mul(op.Div(x, op.Sqrt(op.Add(meanSquare, epsilon))), weight);
  });
}
