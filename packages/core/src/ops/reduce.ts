import { constantInts, defineOperator, normalizeAxis, type Operator } from "./operator.ts";

/** y = f over the axes that the second (constant) input names. */
function reduction<const Name extends string>(name: Name): Operator<Name, { readonly keepdims: "int" }, true> {
  return defineOperator({
    name,
    inputs: ["x", "axes"],
    attributes: { keepdims: "int" },
    differentiable: true,
    infer: ({ at, input, attributes }) => {
      const x = input(0);
      const axes = new Set(constantInts(at, input(1)).map((axis) => normalizeAxis(at, axis, x)));
      const shape = attributes.keepdims
        ? x.shape.map((size, axis) => (axes.has(axis) ? 1 : size))
        : x.shape.filter((_, axis) => !axes.has(axis));
      return [{ dtype: x.dtype, shape }];
    },
  });
}

export const ReduceSum = reduction("ReduceSum");
export const ReduceMean = reduction("ReduceMean");
export const ReduceMax = reduction("ReduceMax");

export const reduceOperators = { ReduceSum, ReduceMean, ReduceMax } as const;
