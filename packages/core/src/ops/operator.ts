import { FusionError } from "../errors/index.ts";
import { type Attribute, type Dim, formatShape, type Shape, type Value } from "../graph/index.ts";
import type { Dtype } from "../tensor/index.ts";

/** Dtype and shape of one output, as an operator infers them. */
export interface Inferred {
  readonly dtype: Dtype;
  readonly shape: Shape;
}

/** The attributes that an operator takes, by name, with their ONNX types. */
export type AttributeSchema = Readonly<Record<string, Attribute["type"]>>;

/** The values that belong to a schema: `{ axis: "int" }` takes `{ axis: number }`. */
export type AttributeValues<Schema extends AttributeSchema> = {
  readonly [Key in keyof Schema]: Extract<Attribute, { readonly type: Schema[Key] }>["value"];
};

/** What an operator sees while it infers: the inputs it was given and the attributes that were set. */
export interface InferContext<Attributes> {
  /** Node path, for messages. */
  readonly at: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: Attributes;
  /** The input at a position; throws when it was omitted. */
  input(index: number): Value;
  /**
   * The result's shape as the caller states it, for operators whose result follows from numbers that exist at run time
   * only (a Reshape to `[B, S]`); inference checks it as far as it can. Absent where inference needs no help.
   */
  readonly stated?: Shape;
}

/**
 * One ONNX operator: its input names, the types of its attributes, and its shape inference.
 *
 * `differentiable: false` marks operators whose result carries no gradient (comparisons, shapes, index arithmetic).
 */
export interface Operator<
  Name extends string = string,
  Schema extends AttributeSchema = AttributeSchema,
  Differentiable extends boolean = boolean,
> {
  readonly name: Name;
  /** Empty or absent for the ONNX standard domain. */
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly attributes: Schema;
  readonly differentiable: Differentiable;
  infer(context: InferContext<AttributeValues<Schema>>): Inferred[];
}

/** An operator as a value whose name, attributes and differentiability TypeScript knows literally. */
export function defineOperator<
  const Name extends string,
  const Schema extends AttributeSchema,
  const Differentiable extends boolean,
>(operator: Operator<Name, Schema, Differentiable>): Operator<Name, Schema, Differentiable> {
  return operator;
}

export function shapeError(at: string, expected: string, ...values: (Value | undefined)[]): FusionError {
  return new FusionError({
    code: "SHAPE_MISMATCH",
    at,
    expected,
    actual: values.map((value) => (value ? `${value.name} ${formatShape(value.shape)}` : "nothing")).join(" and "),
    hint: "Print the graph with printGraph() and look at the inputs of this node.",
  });
}

export function dtypeError(at: string, expected: string, ...values: Value[]): FusionError {
  return new FusionError({
    code: "DTYPE_MISMATCH",
    at,
    expected,
    actual: values.map((value) => `${value.name} ${value.dtype}`).join(" and "),
    hint: "Insert op.Cast() where the element type changes.",
  });
}

/** NumPy broadcasting of two shapes, but for their last `keepLast` axes. Throws SHAPE_MISMATCH naming the node. */
export function broadcast(at: string, a: Value, b: Value, keepLast = 0): Dim[] {
  const left = keepLast ? a.shape.slice(0, -keepLast) : a.shape;
  const right = keepLast ? b.shape.slice(0, -keepLast) : b.shape;
  const rank = Math.max(left.length, right.length);
  return Array.from({ length: rank }, (_, index) => {
    const x = left[left.length - rank + index] ?? 1;
    const y = right[right.length - rank + index] ?? 1;
    if (x === y || y === 1) return x;
    if (x === 1) return y;
    throw shapeError(at, "shapes that broadcast", a, b);
  });
}

/** A possibly negative axis as an index into a shape of that rank. */
export function normalizeAxis(at: string, axis: number, value: Value): number {
  const rank = value.shape.length;
  if (axis < -rank || axis >= rank) throw shapeError(at, `an axis within rank ${rank}, asked for ${axis}`, value);
  return axis < 0 ? axis + rank : axis;
}

/** The dtype of a value that must hold floating-point numbers. */
export function floatDtype(at: string, value: Value): Dtype {
  if (!floats.has(value.dtype)) throw dtypeError(at, "floating-point numbers", value);
  return value.dtype;
}

const floats: ReadonlySet<Dtype> = new Set(["float32", "float64", "float16", "bfloat16"]);

/** The dtype of indices. */
export function requireIndices(at: string, value: Value): void {
  if (value.dtype !== "int64" && value.dtype !== "int32") throw dtypeError(at, "whole-number indices", value);
}

/** Both operands have one dtype. */
export function sameDtype(at: string, a: Value, b: Value): Dtype {
  if (a.dtype !== b.dtype) throw dtypeError(at, "operands of one dtype", a, b);
  return a.dtype;
}

/** The shape that the caller had to state. */
export function statedShape(at: string, stated: Shape | undefined, ...inputs: Value[]): Shape {
  if (stated) return stated;
  throw shapeError(at, "a constant there, or the resulting shape stated in apply()", ...inputs);
}

/** The whole-number contents of a constant input, such as a shape or a list of axes. */
export function constantInts(at: string, value: Value): number[] {
  if (value.kind !== "constant" || !value.data) throw shapeError(at, "a constant here", value);
  return Array.from(value.data.data as ArrayLike<bigint | number>, Number);
}
