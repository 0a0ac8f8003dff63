import { multiplyDims, type Value } from "../../graph/index.ts";
import type { Operand, reduceOperators } from "../../ops/index.ts";
import { type Application, type RuleOf, rule } from "../rule.ts";

export const reduceRules: { readonly [Name in keyof typeof reduceOperators]: RuleOf<Name> } = {
  /** dx = dy, repeated */
  ReduceSum: rule((application, dy) => [() => spread(application, dy)]),
  /** dx = dy / count, repeated */
  ReduceMean: rule((application, dy) => [() => spread(application, application.op.Div(dy, count(application)))]),
  /** The largest element gets the gradient; equal ones share it. */
  ReduceMax: rule((application, dy) => [
    () => {
      const { op, input, outputs } = application;
      const largest = op.Cast(op.Equal(input(0), kept(application, outputs[0]!)), dy.dtype);
      const ties = op.ReduceSum(largest, axesOf(application));
      return op.Mul(op.Div(largest, ties), kept(application, dy));
    },
  ]),
};

type Reduction = Application<{ readonly keepdims: number }>;

/** The reduced axes. */
function axesOf({ input }: Reduction): number[] {
  const rank = input(0).shape.length;
  return Array.from(input(1).data!.data as BigInt64Array, (axis) => (Number(axis) + rank) % rank);
}

/** A value of the result's shape with the reduced axes kept at length 1. */
function kept(application: Reduction, value: Value): Value {
  const axes = new Set(axesOf(application));
  const shape = application.input(0).shape.map((size, axis) => (axes.has(axis) ? 1 : size));
  return application.op.Reshape(value, shape);
}

function spread(application: Reduction, dy: Value): Value {
  return application.op.Expand(kept(application, dy), application.input(0).shape);
}

/** Elements of x for each one of y, as a scalar; read at run time where an axis that was reduced is symbolic. */
function count(application: Reduction): Operand {
  const { op, input } = application;
  const elements = multiplyDims(...axesOf(application).map((axis) => input(0).shape[axis]!));
  if (typeof elements === "number") return elements;
  return op.Cast(op.Reshape(op.shapeTensor([elements]), []), input(0).dtype);
}
