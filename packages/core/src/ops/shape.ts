import { formatShape, multiplyDims, sameShape } from "../graph/index.ts";
import { broadcast, defineOperator, sameDtype, shapeError, statedShape } from "./operator.ts";

/** Same elements in row-major order under the stated shape; the second input holds it as ONNX wants it. */
export const Reshape = defineOperator({
  name: "Reshape",
  inputs: ["x", "shape"],
  attributes: {},
  differentiable: true,
  infer: ({ at, input, stated }) => {
    const x = input(0);
    const shape = statedShape(at, stated, x);
    const [before, after] = [multiplyDims(...x.shape), multiplyDims(...shape)];
    // ONNX reads a 0 as "copy the old length".
    const emptied = shape.findIndex((size, axis) => size === 0 && x.shape[axis] !== 0);
    if (emptied >= 0) throw shapeError(at, `no new axis of length 0, asked for ${formatShape(shape)}`, x);
    if (before === after) return [{ dtype: x.dtype, shape }];
    throw shapeError(at, `${before} elements for the new shape ${formatShape(shape)}, which has ${after}`, x);
  },
});

/** x repeated to the stated shape by the broadcasting rules; the second input holds that shape. */
export const Expand = defineOperator({
  name: "Expand",
  inputs: ["x", "shape"],
  attributes: {},
  differentiable: true,
  infer: ({ at, input, stated }) => {
    const x = input(0);
    const shape = statedShape(at, stated, x);
    if (sameShape(broadcast(at, x, { ...x, name: "the new shape", shape }), shape)) return [{ dtype: x.dtype, shape }];
    throw shapeError(at, `a new shape that can hold x, not ${formatShape(shape)}`, x);
  },
});

/** The whole numbers start, start + delta, … below limit; their count is stated. */
export const Range = defineOperator({
  name: "Range",
  inputs: ["start", "limit", "delta"],
  attributes: {},
  differentiable: false,
  infer: ({ at, input, stated }) => {
    const [start, limit, delta] = [input(0), input(1), input(2)];
    if (start.shape.length + limit.shape.length + delta.shape.length > 0) {
      throw shapeError(at, "three scalars", start, limit, delta);
    }
    sameDtype(at, limit, delta);
    return [{ dtype: sameDtype(at, start, limit), shape: statedShape(at, stated, limit) }];
  },
});

/** The run-time sizes of x as int64; `start` and `end` choose axes, counted from the front. */
export const ShapeOf = defineOperator({
  name: "Shape",
  inputs: ["x"],
  attributes: { start: "int", end: "int" },
  differentiable: false,
  infer: ({ at, input, attributes: { start, end } }) => {
    const fits = start >= 0 && start <= end && end <= input(0).shape.length;
    if (!fits) throw shapeError(at, `axes [${start}, ${end}) of x`, input(0));
    return [{ dtype: "int64", shape: [end - start] }];
  },
});

export const shapeOperators = { Reshape, Expand, Range, Shape: ShapeOf } as const;
