import { describe, expect, it } from "vitest";
import { evaluateDim, graphCost } from "./graph-cost.ts";
import { buildGraph } from "./op-builder.ts";

describe("graphCost", () => {
  it("counts 2·M·N·K for each matrix product, batches included", () => {
    const graph = buildGraph("cost", (op) => {
      const x = op.input("x", "float32", ["B", "S", 4]);
      const weight = op.parameter("w", [6, 4]);
      const flat = op.Gemm(op.Reshape(x, ["B*S", 4]), weight, undefined, { transB: 1 }); // [B*S, 6]
      const rows = op.Reshape(flat, ["B", "S", 6]);
      op.output("y", op.MatMul(rows, op.Transpose(rows, [0, 2, 1]))); // [B, S, S]
    });

    const cost = graphCost(graph, { B: 3, S: 5 });

    expect(cost).toEqual({ flops: 2 * 15 * 6 * 4 + 2 * 3 * 5 * 5 * 6, parameters: 24, inputs: 60 });
  });

  it("evaluates polynomials and names a missing size", () => {
    expect(evaluateDim("2*B*Q + 3", { B: 4, Q: 5 })).toBe(43);
    expect(() => evaluateDim("S", {})).toThrow("no size for dimension S");
  });
});
