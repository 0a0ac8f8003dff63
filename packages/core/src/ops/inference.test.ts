import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import type { Dim, Value } from "../graph/index.ts";
import { type Dtype, dtypeFacts, sizeOf, type Tensor } from "../tensor/index.ts";
import { runGraph } from "../testing/index.ts";
import { buildGraph, type OpBuilder, type OperatorName, operators } from "./index.ts";

/** Sizes that the symbols have at run time; all different, so that no two axes can be confused. */
const sizes: Readonly<Record<string, number>> = { B: 2, S: 3, I: 5, M: 4 };

type Inputs = Record<string, readonly [Dtype, readonly Dim[]]>;
/** One graph of few nodes: its inputs, and what is built from them. */
type Case = readonly [
  name: string,
  inputs: Inputs,
  build: (op: OpBuilder, inputs: Record<string, Value>) => Value | Value[],
];

const x: Inputs = { x: ["float32", ["B", "S", 4]] };
const pair: Inputs = { a: ["float32", ["B", 1, 4]], b: ["float32", ["S", 1]] };
const flags: Inputs = { a: ["bool", ["B", 1]], b: ["bool", ["S"]] };

const unary = (["Sqrt", "Exp", "Log", "Sin", "Cos", "Tanh", "Sigmoid", "Erf", "Neg", "Gelu"] as const).map(
  (name): Case => [name, x, (op, { x }) => op[name](x!)],
);
const binary = (
  ["Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Equal", "Less", "Greater", "GreaterOrEqual"] as const
).map((name): Case => [name, pair, (op, { a, b }) => op[name](a!, b!)]);

const cases: readonly Case[] = [
  ...unary,
  ...binary,
  ["Add", { a: ["int64", ["B", "S"]] }, (op, { a }) => op.Add(a!, 3)],
  ["Neg", { a: ["int64", ["B", "S"]] }, (op, { a }) => op.Neg(a!)],
  ["Sub", x, (op, { x }) => op.Sub(1, x!)],
  ["And", flags, (op, { a, b }) => op.And(a!, b!)],
  ["Not", flags, (op, { a }) => op.Not(a!)],
  ["Where", { ...pair, c: ["bool", ["S", 4]] }, (op, { a, b, c }) => op.Where(c!, a!, b!)],
  ["Where", { c: ["bool", ["S"]], a: ["float32", ["B", "S"]] }, (op, { a, c }) => op.Where(c!, 0, a!)],
  ["Where", { c: ["bool", ["S"]] }, (op, { c }) => op.Where(c!, 0, 1)],
  ["Cast", x, (op, { x }) => op.Cast(x!, "int64")],
  ["Cast", flags, (op, { a }) => op.Cast(a!, "float32")],
  ["Gelu", x, (op, { x }) => op.Gelu(x!, "tanh")],
  ["MatMul", { a: ["float32", ["B", 1, "S", 4]], b: ["float32", ["I", 4, "M"]] }, (op, { a, b }) => op.MatMul(a!, b!)],
  ["MatMul", { a: ["float32", ["S", 4]], b: ["float32", ["B", 4, 7]] }, (op, { a, b }) => op.MatMul(a!, b!)],
  ["Gemm", { a: ["float32", ["B", 4]], b: ["float32", [4, 7]] }, (op, { a, b }) => op.Gemm(a!, b!)],
  [
    "Gemm",
    { a: ["float32", [4, "B"]], b: ["float32", [7, 4]], c: ["float32", [7]] },
    (op, { a, b, c }) => op.Gemm(a!, b!, c!, { transA: 1, transB: 1 }),
  ],
  [
    "Gemm",
    { a: ["float32", ["B", 4]], b: ["float32", [4, 7]], c: ["float32", ["B", 7]] },
    (op, { a, b, c }) => op.Gemm(a!, b!, c!),
  ],
  ["Softmax", x, (op, { x }) => op.Softmax(x!)],
  ["Softmax", x, (op, { x }) => op.Softmax(x!, 1)],
  ["LogSoftmax", x, (op, { x }) => op.LogSoftmax(x!)],
  [
    "LayerNormalization",
    { ...x, scale: ["float32", [4]], bias: ["float32", [4]] },
    (op, { x, scale, bias }) => op.LayerNormalization(x!, scale!, bias!, 1e-5),
  ],
  ["ReduceSum", x, (op, { x }) => op.ReduceSum(x!, [0, -1])],
  ["ReduceSum", x, (op, { x }) => op.ReduceSum(x!, [0, 1, 2], false)],
  ["ReduceMean", x, (op, { x }) => op.ReduceMean(x!, [1], false)],
  ["ReduceMax", { a: ["int64", ["B", "S"]] }, (op, { a }) => op.ReduceMax(a!, [0, 1], false)],
  ["Transpose", x, (op, { x }) => op.Transpose(x!, [2, 0, 1])],
  ["Concat", { a: ["float32", ["B", "S"]], b: ["float32", ["B", 4]] }, (op, { a, b }) => op.Concat([a!, b!, a!], -1)],
  ["Split", x, (op, { x }) => op.Split(x!, [3, 1], -1)],
  ["Slice", x, (op, { x }) => op.Slice(x!, 2, 1, 3)],
  ["Slice", x, (op, { x }) => op.Slice(x!, 2, -3, -1)],
  ["Slice", x, (op, { x }) => op.Slice(x!, 1, 1)],
  ["Slice", x, (op, { x }) => op.Slice(x!, 1, -2)],
  ["Slice", x, (op, { x }) => op.Slice(x!, 1, 1, -1)],
  ["Slice", x, (op, { x }) => op.SliceTo(x!, 2, "B")],
  ["Slice", x, (op, { x }) => op.SliceTo(x!, 1, 2)],
  ["Slice", { x: ["float32", ["I", "B", "M"]] }, (op, { x }) => op.SliceFrom(x!, 0, "B")],
  ["Slice", { x: ["float32", ["I", "B", "M"]] }, (op, { x }) => op.SliceFrom(x!, 0, "2*B")],
  ["Gather", { ...x, i: ["int64", ["I", "M"]] }, (op, { x, i }) => op.Gather(x!, i!, 1)],
  ["Gather", { ...x, i: ["int64", []] }, (op, { x, i }) => op.Gather(x!, i!)],
  ["GatherElements", { ...x, i: ["int64", ["B", "S", 2]] }, (op, { x, i }) => op.GatherElements(x!, i!, 2)],
  [
    "ScatterElements",
    { ...x, i: ["int64", ["B", "S", 2]], u: ["float32", ["B", "S", 2]] },
    (op, { x, i, u }) => op.ScatterElements(x!, i!, u!, 2),
  ],
  ["Shape", x, (op) => op.shapeTensor(["B"])],
  ["Reshape", x, (op, { x }) => op.Reshape(x!, ["B", "S", 2, 2])],
  ["Reshape", x, (op, { x }) => op.Reshape(x!, ["4*B*S"])],
  ["Reshape", x, (op, { x }) => op.Reshape(x!, [2, "2*B", "S"])],
  ["Reshape", x, (op, { x }) => op.Reshape(x!, ["S", "B", 4])],
  ["Reshape", { x: ["float32", [1, 1]] }, (op, { x }) => op.Reshape(x!, [])],
  ["Expand", { x: ["float32", ["S", 1]], y: ["float32", ["B"]] }, (op, { x }) => op.Expand(x!, ["B", "S", 6])],
  ["Expand", { x: ["float32", []], y: ["float32", ["B", "S"]] }, (op, { x }) => op.Expand(x!, ["2*B + 1", "S"])],
  ["Range", x, (op) => op.Range("B*S + 1")],
  [
    "DynamicQuantizeMatMul",
    { a: ["float32", ["B", 4]], b: ["int8", [4, 7]], scale: ["float32", [7]], bias: ["float32", [7]] },
    (op, { a, b, scale, bias }) => op.apply(operators.DynamicQuantizeMatMul, [a!, b!, scale!, undefined, bias!], {}),
  ],
  [
    "MatMulNBits",
    { a: ["float32", ["B", 40]], b: ["uint8", [7, 2, 16]], scales: ["float32", [7, 2]] },
    (op, { a, b, scales }) =>
      op.apply(operators.MatMulNBits, [a!, b!, scales!], { K: 40, N: 7, bits: 4, block_size: 32, accuracy_level: 4 }),
  ],
];

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

/** Ones: inside the domain of every function, and a valid index everywhere here. */
function ones(dtype: Dtype, shape: readonly Dim[]): Tensor {
  const actual = shape.map(sizeOfDim);
  const data = new dtypeFacts[dtype].array(sizeOf(actual));
  data.fill((dtype === "int64" ? 1n : 1) as never);
  return { dtype, shape: actual, data };
}

function sizeOfDim(dim: Dim): number {
  if (typeof dim === "number") return dim;
  const product = (term: string) => term.split("*").reduce((value, word) => value * (sizes[word] ?? Number(word)), 1);
  return dim.split(" + ").reduce((sum, term) => sum + product(term), 0);
}

describe("what operators infer is what ONNX Runtime returns", () => {
  it.each(cases.map((each, index) => [`${index} ${each[0]}`, each] as const))(
    "%s",
    async (_title, [name, inputs, build]) => {
      const outputs: Value[] = [];
      const graph = buildGraph(name, (op) => {
        const fed = Object.entries(inputs).map(([key, [dtype, shape]]) => [key, op.input(key, dtype, shape)] as const);
        outputs.push(...[build(op, Object.fromEntries(fed))].flat());
        for (const [index, value] of outputs.entries()) op.output(`out${index}`, value);
      });
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([key, [dtype, shape]]) => [key, ones(dtype, shape)]),
      );

      const fetches = await runGraph(backend, graph, feeds);

      expect(graph.nodes.some(({ op }) => op === name)).toBe(true);
      const inferred = outputs.map(({ dtype, shape }) => ({ dtype, shape: shape.map(sizeOfDim) }));
      expect(Object.values(fetches).map(({ dtype, shape }) => ({ dtype, shape: [...shape] }))).toEqual(inferred);
    },
  );

  it("leaves no operator out", () => {
    const covered = new Set<string>(cases.map(([name]) => name));

    expect((Object.keys(operators) as OperatorName[]).filter((name) => !covered.has(name))).toEqual([]);
  });
});
