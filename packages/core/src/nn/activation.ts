import type { Value } from "../graph/index.ts";
import type { OpBuilder } from "../ops/index.ts";

/** `gelu` is exact (erf), `gelu_tanh` its tanh approximation, `quick_gelu` is x·σ(1.702x), `silu` is x·σ(x). */
export type Activation = "gelu" | "gelu_tanh" | "quick_gelu" | "silu";

export function activate(op: OpBuilder, kind: Activation, x: Value): Value {
  switch (kind) {
    case "gelu":
      return op.Gelu(x);
    case "gelu_tanh":
      return op.Gelu(x, "tanh");
    case "quick_gelu":
      return op.Mul(x, op.Sigmoid(op.Mul(x, 1.702)));
    case "silu":
      return op.Mul(x, op.Sigmoid(x));
  }
}
