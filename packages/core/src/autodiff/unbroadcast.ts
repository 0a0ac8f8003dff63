import { type Shape, sameShape, type Value } from "../graph/index.ts";
import type { OpBuilder } from "../ops/index.ts";
import type { Dtype } from "../tensor/index.ts";

/** Sums a gradient over the axes along which its value was repeated by broadcasting. */
export function unbroadcast(op: OpBuilder, gradient: Value, shape: Shape): Value {
  if (sameShape(gradient.shape, shape)) return gradient;
  const added = gradient.shape.length - shape.length;
  const axes = gradient.shape.flatMap((size, axis) =>
    axis < added || (shape[axis - added] === 1 && size !== 1) ? [axis] : [],
  );
  return op.Reshape(axes.length > 0 ? op.ReduceSum(gradient, axes) : gradient, shape);
}

/** Zeros of a shape that may be symbolic. */
export function zerosOf(op: OpBuilder, dtype: Dtype, shape: Shape): Value {
  return op.Expand(op.operand(0, dtype), shape);
}

/** Zeros of the shape and dtype of a value: the gradient of an input that does not matter. */
export function zerosLike(op: OpBuilder, { dtype, shape }: Value): Value {
  return zerosOf(op, dtype, shape);
}
