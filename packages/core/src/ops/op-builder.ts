import { FusionError } from "../errors/index.ts";
import { type Dim, type Graph, sameShape, subtractDims, type Value } from "../graph/index.ts";
import { type Dtype, dtypeFacts } from "../tensor/index.ts";
import * as math from "./math.ts";
import * as matrix from "./matrix.ts";
import * as movement from "./movement.ts";
import { normalizeAxis, type Operator } from "./operator.ts";
import { type Operand, OperatorApplier } from "./operator-applier.ts";
import * as reduce from "./reduce.ts";
import * as shapes from "./shape.ts";

export type { Operand } from "./operator-applier.ts";

/** An operator without attributes. */
type Simple = Operator<string, Record<never, never>>;

/** INT64_MAX is what ONNX reads as "to the end"; the largest safe integer of JavaScript serves the same. */
const toTheEnd = Number.MAX_SAFE_INTEGER;

/**
 * The typed face of the graph builder: one method per ONNX operator, spelled as ONNX spells it.
 *
 * Each call infers dtype and shape, so a mistake fails here, with the node's path and the shapes, before any bytes exist.
 */
export class OpBuilder extends OperatorApplier {
  #one(operator: Simple, ...inputs: (Value | undefined)[]): Value {
    return this.apply(operator, inputs, {})[0]!;
  }

  #two(operator: Simple, a: Operand, b: Operand): Value {
    const model = typeof a === "number" ? b : a;
    if (typeof model === "number") throw twoNumbers(`${this.path}/${operator.name}`);
    return this.#one(operator, this.operand(a, model.dtype), this.operand(b, model.dtype));
  }

  // Element by element

  Add = (a: Operand, b: Operand): Value => this.#two(math.Add, a, b);
  Sub = (a: Operand, b: Operand): Value => this.#two(math.Sub, a, b);
  Mul = (a: Operand, b: Operand): Value => this.#two(math.Mul, a, b);
  Div = (a: Operand, b: Operand): Value => this.#two(math.Div, a, b);
  Pow = (a: Operand, b: Operand): Value => this.#two(math.Pow, a, b);
  Max = (a: Operand, b: Operand): Value => this.#two(math.Max, a, b);
  Min = (a: Operand, b: Operand): Value => this.#two(math.Min, a, b);
  Equal = (a: Operand, b: Operand): Value => this.#two(math.Equal, a, b);
  Less = (a: Operand, b: Operand): Value => this.#two(math.Less, a, b);
  Greater = (a: Operand, b: Operand): Value => this.#two(math.Greater, a, b);
  GreaterOrEqual = (a: Operand, b: Operand): Value => this.#two(math.GreaterOrEqual, a, b);
  And = (a: Value, b: Value): Value => this.#one(math.And, a, b);
  Not = (x: Value): Value => this.#one(math.Not, x);
  Neg = (x: Value): Value => this.#one(math.Neg, x);
  Sqrt = (x: Value): Value => this.#one(math.Sqrt, x);
  Exp = (x: Value): Value => this.#one(math.Exp, x);
  Log = (x: Value): Value => this.#one(math.Log, x);
  Sin = (x: Value): Value => this.#one(math.Sin, x);
  Cos = (x: Value): Value => this.#one(math.Cos, x);
  Tanh = (x: Value): Value => this.#one(math.Tanh, x);
  Sigmoid = (x: Value): Value => this.#one(math.Sigmoid, x);
  Erf = (x: Value): Value => this.#one(math.Erf, x);
  Gelu = (x: Value, approximate: "none" | "tanh" = "none"): Value => this.apply(math.Gelu, [x], { approximate })[0]!;
  Cast = (x: Value, to: Dtype): Value =>
    x.dtype === to ? x : this.apply(math.Cast, [x], { to: dtypeFacts[to].onnx })[0]!;

  Where(condition: Value, a: Operand, b: Operand): Value {
    const dtype = typeof a === "number" ? (typeof b === "number" ? "float32" : b.dtype) : a.dtype;
    return this.#one(math.Where, condition, this.operand(a, dtype), this.operand(b, dtype));
  }

  // Matrices

  MatMul = (a: Value, b: Value): Value => this.#one(matrix.MatMul, a, b);
  Gemm = (a: Value, b: Value, c?: Value, { transA = 0, transB = 0 } = {}): Value =>
    this.apply(matrix.Gemm, c ? [a, b, c] : [a, b], { transA, transB })[0]!;
  Softmax = (x: Value, axis = -1): Value => this.apply(matrix.Softmax, [x], { axis })[0]!;
  LogSoftmax = (x: Value, axis = -1): Value => this.apply(matrix.LogSoftmax, [x], { axis })[0]!;
  LayerNormalization = (x: Value, scale: Value, bias: Value, epsilon: number): Value =>
    this.apply(matrix.LayerNormalization, [x, scale, bias], { axis: -1, epsilon })[0]!;

  // Reductions

  ReduceSum = (x: Value, axes: readonly number[], keepdims = true): Value =>
    this.#reduce(reduce.ReduceSum, x, axes, keepdims);
  ReduceMean = (x: Value, axes: readonly number[], keepdims = true): Value =>
    this.#reduce(reduce.ReduceMean, x, axes, keepdims);
  ReduceMax = (x: Value, axes: readonly number[], keepdims = true): Value =>
    this.#reduce(reduce.ReduceMax, x, axes, keepdims);

  #reduce(
    operator: Operator<string, { readonly keepdims: "int" }>,
    x: Value,
    axes: readonly number[],
    keepdims: boolean,
  ): Value {
    return this.apply(operator, [x, this.ints(axes)], { keepdims: keepdims ? 1 : 0 })[0]!;
  }

  // Movement

  Transpose = (x: Value, perm: readonly number[]): Value => this.apply(movement.Transpose, [x], { perm })[0]!;
  Gather = (x: Value, indices: Value, axis = 0): Value => this.apply(movement.Gather, [x, indices], { axis })[0]!;
  GatherElements = (x: Value, indices: Value, axis: number): Value =>
    this.apply(movement.GatherElements, [x, indices], { axis })[0]!;
  /** data with updates added at indices along `axis`; bit-stable, unlike ScatterND with two threads. */
  ScatterElements = (data: Value, indices: Value, updates: Value, axis: number): Value =>
    this.apply(movement.ScatterElements, [data, indices, updates], { axis, reduction: "add" })[0]!;
  Split = (x: Value, lengths: readonly number[], axis: number): Value[] =>
    this.apply(movement.Split, [x, this.ints(lengths)], { axis });

  Concat(parts: readonly Value[], axis: number): Value {
    return parts.length === 1 ? parts[0]! : this.apply(movement.Concat, parts, { axis })[0]!;
  }

  /** x[start:end] along one axis; `end` absent means to the end. */
  Slice(x: Value, axis: number, start: number, end = toTheEnd): Value {
    return this.#one(movement.Slice, x, this.ints([start]), this.ints([end]), this.ints([axis]));
  }

  /** x[:size] along one axis, for a size that may be symbolic. */
  SliceTo(x: Value, axis: number, size: Dim): Value {
    return this.#cut(x, axis, 0, size);
  }

  /** x[size:] along one axis, for a size that may be symbolic. */
  SliceFrom(x: Value, axis: number, size: Dim): Value {
    return this.#cut(x, axis, size, undefined);
  }

  #cut(x: Value, axis: number, from: Dim, to: Dim | undefined): Value {
    const start = this.resolve(from);
    const end = to === undefined ? undefined : this.resolve(to);
    const place = normalizeAxis(`${this.path}/Slice`, axis, x);
    const length = subtractDims(end ?? x.shape[place]!, start);
    const ends = end === undefined ? this.ints([toTheEnd]) : this.shapeTensor([end]);
    const inputs = [x, this.shapeTensor([start]), ends, this.ints([place])];
    return this.apply(
      movement.Slice,
      inputs,
      {},
      x.shape.map((size, i) => (i === place ? length : size)),
    )[0]!;
  }

  /** Same elements, new shape. Symbolic sizes are copied, inferred or read at run time, whichever is cheapest. */
  Reshape(x: Value, shape: readonly Dim[]): Value {
    const target = shape.map((size) => this.resolve(size));
    if (sameShape(target, x.shape)) return x;
    const unknown = target.filter((size, axis) => typeof size === "string" && size !== x.shape[axis]).length;
    const sizes =
      unknown > 1
        ? this.shapeTensor(target)
        : this.ints(target.map((size, axis) => (typeof size === "number" ? size : size === x.shape[axis] ? 0 : -1)));
    return this.apply(shapes.Reshape, [x, sizes], {}, target)[0]!;
  }

  /** Repeats x to a larger shape by the broadcasting rules. */
  Expand(x: Value, shape: readonly Dim[]): Value {
    const target = shape.map((size) => this.resolve(size));
    if (sameShape(target, x.shape)) return x;
    return this.apply(shapes.Expand, [x, this.shapeTensor(target)], {}, target)[0]!;
  }

  /** The whole numbers 0 … size−1 as int64 [size]. */
  Range(count: Dim): Value {
    const size = this.resolve(count);
    if (typeof size === "number") return this.ints(Array.from({ length: size }, (_, i) => i));
    const limit = this.Reshape(this.shapeTensor([size]), []);
    return this.apply(shapes.Range, [this.operand(0, "int64"), limit, this.operand(1, "int64")], {}, [size])[0]!;
  }
}

/**
 * Builds a graph: `body` declares inputs and outputs on the builder it is given.
 *
 * @param sizes - numbers for named dimensions, for a graph of fixed shapes
 */
export function buildGraph(
  name: string,
  body: (op: OpBuilder) => void,
  sizes: Readonly<Record<string, number>> = {},
): Graph {
  const op = new OpBuilder(name, sizes);
  body(op);
  return op.build();
}

function twoNumbers(at: string): FusionError {
  return new FusionError({
    code: "DTYPE_MISMATCH",
    at,
    expected: "at least one value, whose dtype the other operand takes",
    actual: "two plain numbers",
    hint: "Calculate with the two numbers in TypeScript.",
  });
}
