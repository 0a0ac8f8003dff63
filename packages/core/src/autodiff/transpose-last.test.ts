import { describe, expect, it } from "vitest";
import { type Graph, prune, type Value } from "../graph/index.ts";
import { attentionScores } from "../nn/index.ts";
import { buildGraph, defineOperator } from "../ops/index.ts";
import { gradients } from "./backward.ts";
import { transposeLast } from "./transpose-last.ts";

const count = ({ nodes }: Graph, operator: string) => nodes.filter(({ op }) => op === operator).length;

describe("transposeLast", () => {
  it("gives x back for the transposition of x", () => {
    buildGraph("there-and-back", (op) => {
      const x = op.input("x", "float32", ["B", 2, 3]);

      expect(transposeLast(op, op.Transpose(x, [0, 2, 1]))).toBe(x);
    });
  });

  it("does not take another permutation for its own", () => {
    buildGraph("other-axes", (op) => {
      const x = op.input("x", "float32", [4, 2, 3]);

      expect(transposeLast(op, op.Transpose(x, [1, 0, 2])).shape).toEqual([2, 3, 4]);
    });
  });

  it("does not take the namesakes of another domain for ONNX's", () => {
    const infer = ({ input }: { input: (index: number) => Value }) => [
      { dtype: input(0).dtype, shape: input(0).shape },
    ];
    const namesake = (name: string, inputs: readonly string[]) =>
      defineOperator({ name, domain: "com.example", inputs, attributes: {}, differentiable: false, infer });
    buildGraph("namesakes", (op) => {
      const x = op.input("x", "float32", [3, 3]);
      const turned = op.apply(namesake("Transpose", ["x"]), [x], {})[0]!;
      const product = op.apply(namesake("MatMul", ["a", "b"]), [op.Transpose(x, [1, 0]), x], {})[0]!;

      for (const value of [turned, product]) {
        const node = op.producer(transposeLast(op, value))!;
        expect([node.op, node.inputs[0]]).toEqual(["Transpose", value]);
      }
    });
  });

  it("leaves the gradients of q·kᵀ three products, each with at most one operand transposed", () => {
    const graph = prune(
      buildGraph("scores", (op) => {
        const query = op.input("query", "float32", ["B", "S", 8]);
        const key = op.input("key", "float32", ["B", "T", 8]);
        const scores = attentionScores(op, query, key);
        const loss = op.ReduceSum(op.Mul(scores, scores), [0, 1, 2], false);
        gradients(op, loss, [query, key]).forEach((gradient, index) => {
          op.output(`gradient_${index}`, gradient);
        });
      }),
    );

    expect(count(graph, "MatMul")).toBe(3);
    expect(count(graph, "Transpose")).toBe(2); // of k in q·kᵀ and of dS in dSᵀ·q: parts of their products
  });
});
