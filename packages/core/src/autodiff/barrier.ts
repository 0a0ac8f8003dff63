import { multiplyDims, type Value } from "../graph/index.ts";
import { type OpBuilder, operators } from "../ops/index.ts";

/**
 * An int64 0, [1], that exists only when all the values do: no engine can know it before.
 *
 * One element e of each is read, and e < e is false for every number and for NaN.
 */
export function zeroAfter(op: OpBuilder, values: readonly Value[]): Value {
  const elements = values.map((value) => {
    const flat = op.Reshape(value, [multiplyDims(...value.shape)]);
    return op.Cast(op.Slice(flat, 0, 0, 1), "float32");
  });
  const firsts = op.Concat(elements, 0);
  return op.ReduceSum(op.Cast(op.Less(firsts, firsts), "int64"), [0]);
}

/**
 * x itself, to be had only after `zero`: a Reshape to its own shape plus zero. It neither calculates nor copies, as engines let
 * the result of a Reshape share the memory of its input; and as its shape is known at run time only, none removes it.
 */
export function barrier(op: OpBuilder, x: Value, zero: Value): Value {
  const shape = op.Max(op.shapeTensor(x.shape), zero);
  return op.apply(operators.Reshape, [x, shape], {}, x.shape)[0]!;
}
