import type { Backend } from "../backends/index.ts";
import type { Value } from "../graph/index.ts";
import { buildGraph, type OpBuilder } from "../ops/index.ts";
import { compileFed } from "../session/index.ts";
import type { Tensor } from "../tensor/index.ts";
import type { Lora } from "./lora.ts";

type Tensors = ReadonlyMap<string, Tensor<"float32">>;

/** W + (α/r)·B·A. weight [out, in], a [r, in], b [out, r] → [out, in] */
export function adaptedWeight(op: OpBuilder, weight: Value, a: Value, b: Value, scale: number): Value {
  return op.Add(weight, op.MatMul(op.Mul(b, scale), a));
}

/** The parameters of the base model with the adapters merged into their weights: what a model without adapters is made of. */
export async function mergeAdapters(
  backend: Backend,
  lora: Lora,
  tensors: Tensors,
): Promise<Map<string, Tensor<"float32">>> {
  const graph = buildGraph("fusion.merge_adapters", (op) => {
    const weight = op.input("weight", "float32", ["O", "I"]);
    const [a, b] = [op.input("a", "float32", [lora.rank, "I"]), op.input("b", "float32", ["O", lora.rank])];
    op.output("merged", adaptedWeight(op, weight, a, b, lora.scale));
  });
  const program = await compileFed(backend, graph);
  try {
    const merged = new Map<string, Tensor<"float32">>();
    for (const [name, weight] of tensors) {
      if (lora.parameters.has(name)) continue;
      const adapter = lora.adapters.get(name);
      if (!adapter) merged.set(name, weight);
      else {
        const fetched = await program.run({ weight, a: tensors.get(adapter.a)!, b: tensors.get(adapter.b)! });
        merged.set(name, fetched.merged as Tensor<"float32">);
      }
    }
    return merged;
  } finally {
    await program.dispose();
  }
}
