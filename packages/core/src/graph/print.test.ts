import { expect, it } from "vitest";
import { buildGraph } from "../ops/index.ts";
import { printGraph } from "./print.ts";

it("prints one line for each input, parameter, node and output, with dtypes, shapes and attributes", () => {
  const graph = buildGraph("demo", (op) => {
    const x = op.input("x", "float32", ["B", "S", 4]);
    const w = op.parameter("proj.weight", [8, 4]);
    op.scope("proj", () => {
      const rows = op.Gemm(op.Reshape(x, ["B*S", 4]), w, undefined, { transB: 1 });
      const [left, right] = op.Split(rows, [4, 4], -1);
      const large = op.floats([9], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
      op.output("y", op.Gelu(op.Mul(left!, right!), "tanh"));
      op.output("z", op.ReduceMean(op.Mul(large, 0.5), [0], false));
    });
  });

  expect(printGraph(graph)).toBe(
    `graph demo
  input x: float32[B, S, 4]
  parameter proj.weight: float32[8, 4]
  proj/Reshape: float32[B*S, 4] = Reshape(x, int64(-1, 4))
  proj/Gemm: float32[B*S, 8] = Gemm(proj/Reshape, proj.weight) {transA=0, transB=1}
  proj/Split:0: float32[B*S, 4], proj/Split:1: float32[B*S, 4] = Split(proj/Gemm, int64(4, 4)) {axis=-1}
  proj/Mul: float32[B*S, 4] = Mul(proj/Split:0, proj/Split:1)
  proj/Gelu: float32[B*S, 4] = Gelu(proj/Mul) {approximate=tanh}
  proj/Mul_1: float32[9] = Mul(constant_2:float32[9], float32(0.5))
  proj/ReduceMean: float32[] = ReduceMean(proj/Mul_1, int64(0)) {keepdims=0}
  output y = proj/Gelu
  output z = proj/ReduceMean
`,
  );
});
