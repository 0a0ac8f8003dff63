import { FusionError } from "../errors/index.ts";
import { type Attribute, type Dim, formatShape, type Shape, type Value } from "../graph/index.ts";
import type { Dtype } from "../tensor/index.ts";

/** Dtype and shape of one output, as an operator infers them. */
export interface Inferred {
  readonly dtype: Dtype;
  readonly shape: Shape;
}

/** What an operator sees while it infers: the inputs it was given and the attributes that were set. */
export interface InferContext<Attributes> {
  /** Node path, for messages. */
  readonly at: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: Attributes;
  /** The input at a position; throws when it was omitted. */
  input(index: number): Value;
}

/**
 * One ONNX operator: its input names, the types of its attributes, and its shape inference.
 *
 * `differentiable: false` marks operators whose result carries no gradient (comparisons, shapes, index arithmetic).
 */
export interface Operator<Attributes extends Record<string, Attribute["value"] | undefined> = Record<string, never>> {
  readonly name: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly attributes: { readonly [Key in keyof Attributes]-?: Attribute["type"] };
  readonly differentiable: boolean;
  infer(context: InferContext<Attributes>): Inferred[];
}

/** An operator as a value with its attribute types kept. */
export function defineOperator<Attributes extends Record<string, Attribute["value"] | undefined>>(
  operator: Operator<Attributes>,
): Operator<Attributes> {
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

/** NumPy broadcasting of two shapes. Throws SHAPE_MISMATCH naming the node. */
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

/** Both operands have one dtype. */
export function sameDtype(at: string, a: Value, b: Value): Dtype {
  if (a.dtype !== b.dtype) throw dtypeError(at, "operands of one dtype", a, b);
  return a.dtype;
}

/** The whole-number contents of a constant input, such as a shape or a list of axes. */
export function constantInts(at: string, value: Value): number[] {
  if (value.kind !== "constant" || !value.data) throw shapeError(at, "a constant here", value);
  return Array.from(value.data.data as ArrayLike<bigint | number>, Number);
}
