import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import type { Dim, Value } from "../graph/index.ts";
import { float32 } from "../tensor/index.ts";
import { runGraph } from "../testing/index.ts";
import { buildGraph, type OpBuilder } from "./index.ts";

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

/** The result of `build` on x, 0 … n−1 in a shape whose symbols take the sizes of `actual`. */
async function evaluate(shape: readonly Dim[], actual: readonly number[], build: (op: OpBuilder, x: Value) => Value) {
  const graph = buildGraph("g", (op) => op.output("y", build(op, op.input("x", "float32", shape))));
  const count = actual.reduce((product, size) => product * size, 1);
  const { y } = await runGraph(backend, graph, {
    x: float32(
      actual,
      Array.from({ length: count }, (_, i) => i),
    ),
  });
  return { shape: y!.shape, values: Array.from(y!.data as ArrayLike<number | bigint>, Number), graph };
}

const countOf = (graph: { nodes: readonly { op: string }[] }, op: string) =>
  graph.nodes.filter((node) => node.op === op).length;

describe("Reshape", () => {
  it("is nothing where the shape stays", async () => {
    const { graph } = await evaluate(["B", 2], [1, 2], (op, x) => op.Add(op.Reshape(x, ["B", 2]), 0));

    expect(countOf(graph, "Reshape")).toBe(0);
  });

  it("copies and infers sizes without reading any at run time", async () => {
    const { graph, shape } = await evaluate(["B", "S", 4], [2, 3, 4], (op, x) => op.Reshape(x, ["B", "2*S", 2]));

    expect(shape).toEqual([2, 6, 2]);
    expect(countOf(graph, "Shape")).toBe(0);
  });

  it("reads sizes at run time where two are new", async () => {
    const { graph, shape } = await evaluate(["B", "S", 4], [2, 3, 4], (op, x) => op.Reshape(x, ["S", "2*B", 2]));

    expect(shape).toEqual([3, 4, 2]);
    expect(countOf(graph, "Shape")).toBe(2);
  });

  it("keeps the elements of an empty batch apart from an inferred size", async () => {
    expect((await evaluate(["B", "S", 4], [0, 3, 4], (op, x) => op.Reshape(x, ["B*S", 4]))).shape).toEqual([0, 4]);
  });
});

describe("Slice", () => {
  it("takes rows up to and from a size that is known at run time only", async () => {
    const shape = ["B", "S"];

    expect((await evaluate(shape, [2, 4], (op, x) => op.SliceTo(x, 1, "B"))).values).toEqual([0, 1, 4, 5]);
    expect((await evaluate(shape, [2, 4], (op, x) => op.SliceFrom(x, -1, "B"))).values).toEqual([2, 3, 6, 7]);
    expect((await evaluate(shape, [2, 4], (op, x) => op.SliceFrom(x, 1, "2*B - 1"))).values).toEqual([3, 7]);
  });

  it("counts negative bounds from the end", async () => {
    expect((await evaluate(["S"], [5], (op, x) => op.Slice(x, 0, -3, -1))).values).toEqual([2, 3]);
    expect((await evaluate([5], [5], (op, x) => op.Slice(x, 0, -3))).values).toEqual([2, 3, 4]);
  });
});

describe("Expand and Range", () => {
  it("repeat and count to sizes that are known at run time only", async () => {
    const repeated = await evaluate(["B", 1], [2, 1], (op, x) => op.Expand(x, ["B", "B + 1"]));
    const counted = await evaluate(["B", "S"], [2, 3], (op) => op.Range("B*S"));

    expect(repeated.values).toEqual([0, 0, 0, 1, 1, 1]);
    expect(counted.values).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("are constants or nothing where the size is known", async () => {
    const { graph, values } = await evaluate([2], [2], (op, x) =>
      op.Add(op.Expand(x, [2]), op.Cast(op.Range(2), "float32")),
    );

    expect(values).toEqual([0, 2]);
    expect(countOf(graph, "Expand") + countOf(graph, "Range")).toBe(0);
  });
});

describe("operands", () => {
  it("are constants of the other operand's dtype", async () => {
    const { values } = await evaluate(["B"], [3], (op, x) =>
      op.Add(op.Cast(op.Mul(op.Cast(x, "int64"), 2), "float32"), 0.5),
    );

    expect(values).toEqual([0.5, 2.5, 4.5]);
  });
});
