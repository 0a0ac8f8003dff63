import { describe, expect, it } from "vitest";
import { FusionError } from "../errors/index.ts";
import type { Value } from "../graph/index.ts";
import { buildGraph, type OpBuilder, operators } from "./index.ts";

/** What `act` throws inside the scope `model.layers.3`, on these inputs. */
function refusal(act: (op: OpBuilder, inputs: Record<"a" | "b" | "c" | "i" | "flag", Value>) => unknown): FusionError {
  try {
    buildGraph("g", (op) =>
      op.scope("model.layers.3", () =>
        act(op, {
          a: op.input("a", "float32", ["B", 2, 3]),
          b: op.input("b", "float32", ["S", 4]),
          c: op.input("c", "float32", [2, 3]),
          i: op.input("i", "int64", ["B", 2]),
          flag: op.input("flag", "bool", ["B", 1, 1]),
        }),
      ),
    );
  } catch (error) {
    if (FusionError.isInstance(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

type Refusal = readonly [string, Parameters<typeof refusal>[0], string];

const shapes: readonly Refusal[] = [
  [
    "Add of shapes that do not broadcast",
    (op, { a, b }) => op.Add(a, b),
    "Add: expected shapes that broadcast, got a [B, 2, 3] and b [S, 4]",
  ],
  [
    "MatMul of other inner sizes",
    (op, { a, b }) => op.MatMul(a, b),
    "MatMul: expected [.., M, K] and [.., K, N], got a [B, 2, 3] and b [S, 4]",
  ],
  [
    "MatMul of a vector",
    (op, { a }) => op.MatMul(a, op.floats([3], [1, 2, 3])),
    "MatMul: expected [.., M, K] and [.., K, N], got a [B, 2, 3] and constant_0 [3]",
  ],
  [
    "Gemm of more than matrices",
    (op, { a, c }) => op.Gemm(a, c),
    "Gemm: expected two matrices, got a [B, 2, 3] and c [2, 3]",
  ],
  [
    "Gemm of other inner sizes",
    (op, { c }) => op.Gemm(c, c),
    "Gemm: expected matrices that share their inner size, got c [2, 3] and c [2, 3]",
  ],
  [
    "Gemm with another bias",
    (op, { c }) => op.Gemm(c, c, op.floats([3], [1, 2, 3]), { transB: 1 }),
    "Gemm: expected a bias [2] or [2, 2], got constant_0 [3]",
  ],
  [
    "LayerNormalization with another scale",
    (op, { a, c }) => op.LayerNormalization(a, c, c, 1e-5),
    "LayerNormalization: expected scale and bias [3], got a [B, 2, 3] and c [2, 3] and c [2, 3]",
  ],
  [
    "Softmax along no axis of x",
    (op, { a }) => op.Softmax(a, 3),
    "Softmax: expected an axis within rank 3, asked for 3, got a [B, 2, 3]",
  ],
  [
    "ReduceSum along no axis of x",
    (op, { a }) => op.ReduceSum(a, [-4]),
    "ReduceSum: expected an axis within rank 3, asked for -4, got a [B, 2, 3]",
  ],
  [
    "ReduceSum along axes from an input",
    (op, { a, i }) => op.apply(operators.ReduceSum, [a, i], { keepdims: 1 }),
    "ReduceSum: expected a constant here, got i [B, 2]",
  ],
  [
    "Transpose by too few axes",
    (op, { a }) => op.Transpose(a, [1, 0]),
    "Transpose: expected a permutation of 3 axes, not [1, 0], got a [B, 2, 3]",
  ],
  [
    "Transpose by an axis twice",
    (op, { a }) => op.Transpose(a, [0, 1, 1]),
    "Transpose: expected a permutation of 3 axes, not [0, 1, 1], got a [B, 2, 3]",
  ],
  [
    "Transpose by an axis that is none",
    (op, { a }) => op.Transpose(a, [0, 1, 3]),
    "Transpose: expected a permutation of 3 axes, not [0, 1, 3], got a [B, 2, 3]",
  ],
  [
    "Concat of parts that differ elsewhere",
    (op, { b, c }) => op.Concat([b, c], 0),
    "Concat: expected parts equal but for axis 0, got b [S, 4] and c [2, 3]",
  ],
  ["Concat of nothing", (op) => op.Concat([], 0), "Concat: expected input parts, got nothing"],
  [
    "Split into other lengths",
    (op, { a }) => op.Split(a, [1, 1], -1),
    "Split: expected axis 2 of length 2, got a [B, 2, 3]",
  ],
  ["Slice past the end", (op, { c }) => op.Slice(c, 1, 0, 4), "Slice: expected axis 1 to hold [0, 4), got c [2, 3]"],
  [
    "Slice from before the start",
    (op, { c }) => op.Slice(c, 1, -4),
    "Slice: expected axis 1 to hold [-1, 3), got c [2, 3]",
  ],
  ["Slice backwards", (op, { b }) => op.Slice(b, 0, 3, 2), "Slice: expected axis 0 to hold [3, 2), got b [S, 4]"],
  [
    "Slice to run-time sizes along no axis of x",
    (op, { b }) => op.SliceTo(b, 2, "B"),
    "Slice: expected an axis within rank 2, asked for 2, got b [S, 4]",
  ],
  [
    "GatherElements with indices of another rank",
    (op, { a, i }) => op.GatherElements(a, i, 0),
    "GatherElements: expected indices of the rank of x, got a [B, 2, 3] and i [B, 2]",
  ],
  [
    "ScatterElements of updates in another shape than the indices",
    (op, { a, b, i }) => op.ScatterElements(b, i, op.Slice(a, 2, 0, 1), 0),
    "ScatterElements: expected indices and updates of one shape and of the rank of data, got b [S, 4] and i [B, 2] and model.layers.3/Slice [B, 2, 1]",
  ],
  [
    "ScatterElements by another reduction",
    (op, { c, i }) => op.apply(operators.ScatterElements, [c, i, c], { axis: 0, reduction: "mul" }),
    'ScatterElements: expected reduction "add", got c [2, 3]',
  ],
  [
    "Reshape to another count",
    (op, { a }) => op.Reshape(a, ["B", 5]),
    "Reshape: expected 6*B elements for the new shape [B, 5], which has 5*B, got a [B, 2, 3]",
  ],
  [
    "Reshape to a symbol of its own",
    (op, { a }) => op.Reshape(a, ["S", 6]),
    "Reshape: expected 6*B elements for the new shape [S, 6], which has 6*S, got a [B, 2, 3]",
  ],
  [
    "Reshape to length 0",
    (op, { a }) => op.Reshape(a, [0]),
    "Reshape: expected no new axis of length 0, asked for [0], got a [B, 2, 3]",
  ],
  [
    "Expand to a smaller shape",
    (op, { c }) => op.Expand(c, [3]),
    "Expand: expected a new shape that can hold x, not [3], got c [2, 3]",
  ],
  [
    "Expand to another size",
    (op, { c }) => op.Expand(c, ["B", 4, 3]),
    "Expand: expected shapes that broadcast, got c [2, 3] and the new shape [B, 4, 3]",
  ],
  [
    "Shape of axes that are not there",
    (op, { c }) => op.apply(operators.Shape, [c], { start: 1, end: 3 }),
    "Shape: expected axes [1, 3) of x, got c [2, 3]",
  ],
  [
    "Split with an input left out",
    (op, { c }) => op.apply(operators.Split, [c, undefined], { axis: 0 }),
    "Split: expected input lengths, got nothing",
  ],
];

const dtypes: readonly Refusal[] = [
  [
    "Add of two dtypes",
    (op, { a, i }) => op.Add(a, i),
    "Add: expected operands of one dtype, got a float32 and i int64",
  ],
  ["Add of truth values", (op, { flag }) => op.Add(flag, flag), "Add: expected numbers, got flag bool and flag bool"],
  ["Exp of whole numbers", (op, { i }) => op.Exp(i), "Exp: expected floating-point numbers, got i int64"],
  ["Gelu of whole numbers", (op, { i }) => op.Gelu(i), "Gelu: expected floating-point numbers, got i int64"],
  ["Softmax of whole numbers", (op, { i }) => op.Softmax(i), "Softmax: expected floating-point numbers, got i int64"],
  ["Neg of truth values", (op, { flag }) => op.Neg(flag), "Neg: expected signed numbers, got flag bool"],
  ["Not of numbers", (op, { a }) => op.Not(a), "Not: expected a bool operand, got a float32"],
  ["And of numbers", (op, { a }) => op.And(a, a), "And: expected bool operands, got a float32 and a float32"],
  ["Where by numbers", (op, { a }) => op.Where(a, 1, 0), "Where: expected a bool condition, got a float32"],
  [
    "Where of two dtypes",
    (op, { a, i, flag }) => op.Where(flag, a, i),
    "Where: expected operands of one dtype, got a float32 and i int64",
  ],
  ["Gather by fractions", (op, { a, c }) => op.Gather(a, c), "Gather: expected whole-number indices, got c float32"],
  [
    "GatherElements by fractions",
    (op, { c }) => op.GatherElements(c, c, 0),
    "GatherElements: expected whole-number indices, got c float32",
  ],
  [
    "Concat of two dtypes",
    (op, { b, i }) => op.Concat([b, i], 0),
    "Concat: expected operands of one dtype, got b float32 and i int64",
  ],
  [
    "Cast to an unknown type",
    (op, { a }) => op.apply(operators.Cast, [a], { to: 99 }),
    "Cast: expected a known element type, asked for number 99, got a float32",
  ],
  [
    "a calculation with two plain numbers",
    (op) => op.Mul(2, 3),
    "Mul: expected at least one value, whose dtype the other operand takes, got two plain numbers",
  ],
];

describe("operators name node, expectation and inputs", () => {
  it.each(shapes)("SHAPE_MISMATCH: %s", (_case, act, message) => {
    expect(refusal(act)).toMatchObject({ code: "SHAPE_MISMATCH", message: `model.layers.3/${message}` });
  });

  it.each(dtypes)("DTYPE_MISMATCH: %s", (_case, act, message) => {
    expect(refusal(act)).toMatchObject({ code: "DTYPE_MISMATCH", message: `model.layers.3/${message}` });
  });

  it("GRAPH_INVALID: a size that no input carries", () => {
    expect(refusal((op, { c }) => op.Expand(op.Reshape(c, [1, 6]), ["T", 6]))).toMatchObject({
      code: "GRAPH_INVALID",
      message: 'model.layers.3: expected an input with a dimension "T", got inputs with B, S',
    });
  });
});
