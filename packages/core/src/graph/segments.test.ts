import { expect, test } from "vitest";
import { buildGraph } from "../ops/index.ts";
import { segments } from "./segments.ts";
import { toOnnx } from "./to-onnx.ts";

/** Three layers and the mean of all states. */
function chain() {
  return buildGraph("chain", (op) => {
    const x = op.input("x", "float32", ["M", 4]);
    const mask = op.Sigmoid(op.input("mask", "float32", ["M", 4]));
    let state = op.mark("h0", op.Neg(x));
    let sum = state;
    for (const layer of [1, 2, 3]) {
      const weight = op.parameter(`w${layer}`, [4, 4]);
      state = op.mark(`h${layer}`, op.Mul(op.Gemm(state, weight, undefined, { transB: 1 }), mask));
      sum = op.Add(sum, state);
    }
    op.output("mean", op.Mul(sum, 0.25));
  });
}

test("each segment has the parameters of its own stretch, and reads the states before it", () => {
  const parts = segments(chain(), ["mean", "h2", "h0", "h1", "h3"]);

  expect(parts.map(({ target }) => target)).toEqual(["h0", "h1", "h2", "h3", "mean"]);
  expect(parts.map(({ graph }) => graph.parameters.map(({ name }) => name))).toEqual([[], ["w1"], ["w2"], ["w3"], []]);
  expect(parts.map(({ graph }) => graph.inputs.map(({ name }) => name))).toEqual([
    ["x"],
    ["mask", "cut:h0"],
    ["mask", "cut:h1"],
    ["mask", "cut:h2"],
    ["cut:h0", "cut:h1", "cut:h2", "cut:h3"],
  ]);
  for (const { graph } of parts) expect(toOnnx(graph).length).toBeGreaterThan(0);
});

test("a name that the graph does not have is refused", () => {
  expect(() => segments(chain(), ["h9"])).toThrow('chain: expected an output or mark "h9"');
});
