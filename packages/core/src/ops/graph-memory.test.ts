import { describe, expect, it } from "vitest";
import { executionOrder, graphMemory } from "./graph-memory.ts";
import { buildGraph } from "./op-builder.ts";

/** Bytes of a float32 matrix of B rows of 64: a whole number of the engine's pieces. */
const row = 256;

describe("graphMemory", () => {
  it("gives memory back after the last reader", () => {
    const graph = buildGraph("chain", (op) => {
      const x = op.input("x", "float32", ["B", 64]);
      op.output("y", op.Exp(op.Exp(op.Exp(x))));
    });

    // Two results at a time: the one that is read and the one that is written.
    expect(graphMemory(graph, { B: 10 })).toEqual({
      peak: 2 * 10 * row,
      at: "Exp_1",
      inputs: 10 * row,
      outputs: 10 * row,
    });
  });

  it("holds a value until a reader that comes late", () => {
    const graph = buildGraph("skip", (op) => {
      const first = op.Exp(op.input("x", "float32", ["B", 64]));
      op.output("y", op.Add(op.Exp(op.Exp(first)), first));
    });

    expect(graphMemory(graph, { B: 10 }).peak).toBe(3 * 10 * row);
  });

  it("counts a view once, and none of an input", () => {
    const graph = buildGraph("views", (op) => {
      const x = op.input("x", "float32", ["B", 64]);
      const y = op.Reshape(op.Exp(op.Reshape(x, [64, "B"])), ["64*B"]);
      op.output("y", op.Reshape(y, ["B", 64]));
    });

    expect(graphMemory(graph, { B: 10 }).peak).toBeLessThan(10 * row + 8 * 256);
    expect(graphMemory(graph, { B: 1000 }).peak).toBeLessThan(1000 * row + 8 * 256);
  });

  it("rounds up to the pieces of the engine, by element type", () => {
    const graph = buildGraph("small", (op) => {
      const x = op.input("x", "float32", ["B"]);
      op.output("y", op.Greater(x, op.Neg(x)));
    });

    expect(graphMemory(graph, { B: 65 })).toMatchObject({ peak: 512 + 256, inputs: 512, outputs: 256 });
  });

  it("gives back what nobody reads", () => {
    const graph = buildGraph("unread", (op) => {
      const x = op.input("x", "float32", ["B", 64]);
      const [left] = op.Split(x, [32, 32], 1);
      op.output("y", op.Exp(op.Exp(left!)));
    });

    expect(graphMemory(graph, { B: 16 })).toMatchObject({ peak: 16 * row });
  });
});

describe("executionOrder", () => {
  it("goes back from the last result, to the latest input first", () => {
    const graph = buildGraph("order", (op) => {
      const x = op.input("x", "float32", ["B"]);
      const early = op.Exp(x);
      const late = op.Neg(x);
      op.output("a", op.Sqrt(early));
      op.output("b", op.Add(early, late));
    });

    expect(executionOrder(graph).map(({ op }) => op)).toEqual(["Neg", "Exp", "Add", "Sqrt"]);
  });
});
