import { describe, expect, it } from "vitest";
import { buildGraph } from "../ops/index.ts";
import { withOutputs } from "./graph.ts";
import { printGraph } from "./print.ts";

const graph = buildGraph("g", (op) => {
  const x = op.input("x", "float32", ["B", 2]);
  op.input("unused", "float32", []);
  const hidden = op.mark("hidden", op.Mul(x, op.parameter("w", [2])));
  op.mark("aside", op.Add(hidden, op.parameter("v", [2])));
  op.output("y", op.Exp(hidden));
});

describe("withOutputs", () => {
  it("keeps what the chosen outputs need and every input", () => {
    expect(printGraph(withOutputs(graph, ["hidden"]))).toBe(
      [
        "graph g",
        "  input x: float32[B, 2]",
        "  input unused: float32[]",
        "  parameter w: float32[2]",
        "  Mul: float32[B, 2] = Mul(x, w)",
        "  output hidden = Mul",
        "",
      ].join("\n"),
    );
  });

  it("makes outputs of marks, and drops marks that no output needs", () => {
    const both = withOutputs(graph, ["y", "aside"]);

    expect([...both.outputs.keys()]).toEqual(["y", "aside"]);
    expect(both.parameters.map(({ name }) => name)).toEqual(["w", "v"]);
    expect([...withOutputs(graph, ["y"]).marks.keys()]).toEqual(["hidden"]);
  });

  it("refuses a name that is neither, and lists those that are", () => {
    expect(() => withOutputs(graph, ["z"])).toThrow('g: expected an output or mark "z", got y, hidden, aside');
  });
});
