import { addDims, type Dim, multiplyDims, subtractDims } from "../graph/index.ts";
import { constantInts, defineOperator, dtypeError, normalizeAxis, sameDtype, shapeError } from "./operator.ts";

/** Same elements in row-major order under another shape. The builder states the result; this checks the count. */
export function reshapeResult(at: string, from: { shape: readonly Dim[]; name: string }, to: readonly Dim[]): void {
  const before = multiplyDims(...from.shape);
  const after = multiplyDims(...to);
  if (before === after) return;
  throw shapeError(at, `${before} elements for the new shape [${to.join(", ")}], which has ${after}`, from as never);
}

/** Reorders the axes: output axis i is input axis perm[i]. */
export const Transpose = defineOperator<{ perm: readonly number[] }>({
  name: "Transpose",
  inputs: ["x"],
  attributes: { perm: "ints" },
  differentiable: true,
  infer: ({ at, input, attributes: { perm } }) => {
    const x = input(0);
    if (perm.length !== x.shape.length || new Set(perm).size !== perm.length) {
      throw shapeError(at, `a permutation of ${x.shape.length} axes, not [${perm.join(", ")}]`, x);
    }
    return [{ dtype: x.dtype, shape: perm.map((axis) => x.shape[axis]!) }];
  },
});

/** Joins any number of inputs along one axis. */
export const Concat = defineOperator<{ axis: number }>({
  name: "Concat",
  inputs: ["parts"],
  attributes: { axis: "int" },
  differentiable: true,
  infer: ({ at, inputs, input, attributes }) => {
    const first = input(0);
    const axis = normalizeAxis(at, attributes.axis, first);
    const parts = inputs.map((_, index) => input(index));
    for (const part of parts) {
      sameDtype(at, first, part);
      const fits =
        part.shape.length === first.shape.length &&
        part.shape.every((size, i) => i === axis || size === first.shape[i]);
      if (!fits) throw shapeError(at, `parts equal but for axis ${axis}`, first, part);
    }
    const joined = addDims(...parts.map((part) => part.shape[axis]!));
    return [{ dtype: first.dtype, shape: first.shape.map((size, i) => (i === axis ? joined : size)) }];
  },
});

/** Cuts one axis into `num_outputs` pieces whose lengths the second input gives as a constant. */
export const Split = defineOperator<{ axis: number }>({
  name: "Split",
  inputs: ["x", "lengths"],
  attributes: { axis: "int" },
  differentiable: true,
  infer: ({ at, input, attributes }) => {
    const x = input(0);
    const axis = normalizeAxis(at, attributes.axis, x);
    const lengths = constantInts(at, input(1));
    if (addDims(...lengths) !== x.shape[axis]) throw shapeError(at, `axis ${axis} of length ${addDims(...lengths)}`, x);
    return lengths.map((length) => ({ dtype: x.dtype, shape: x.shape.map((size, i) => (i === axis ? length : size)) }));
  },
});

/** x[starts:ends] along constant axes with step 1. Ends of INT64_MAX mean "to the end"; negative starts count from it. */
export const Slice = defineOperator({
  name: "Slice",
  inputs: ["x", "starts", "ends", "axes"],
  attributes: {},
  differentiable: true,
  infer: ({ at, input }) => {
    const x = input(0);
    const [starts, ends, axes] = [constantInts(at, input(1)), constantInts(at, input(2)), constantInts(at, input(3))];
    const shape = [...x.shape];
    axes.forEach((axis, i) => {
      const size = shape[normalizeAxis(at, axis, x)]!;
      const start = starts[i]! < 0 ? addDims(size, starts[i]!) : starts[i]!;
      const end = ends[i]! >= Number.MAX_SAFE_INTEGER ? size : ends[i]! < 0 ? addDims(size, ends[i]!) : ends[i]!;
      const length = subtractDims(end, start);
      if (typeof length === "number" && (length < 0 || (typeof size === "number" && (end as number) > size))) {
        throw shapeError(at, `axis ${axis} to hold [${start}, ${end})`, x);
      }
      shape[normalizeAxis(at, axis, x)] = length;
    });
    return [{ dtype: x.dtype, shape }];
  },
});

/** Picks rows: output = x with `axis` replaced by the shape of the indices. */
export const Gather = defineOperator<{ axis: number }>({
  name: "Gather",
  inputs: ["x", "indices"],
  attributes: { axis: "int" },
  differentiable: true,
  infer: ({ at, input, attributes }) => {
    const [x, indices] = [input(0), input(1)];
    if (indices.dtype !== "int64" && indices.dtype !== "int32") throw dtypeError(at, "whole-number indices", indices);
    const axis = normalizeAxis(at, attributes.axis, x);
    return [{ dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] }];
  },
});

/** y[i][j] = x[i][indices[i][j]] along `axis`; the output has the shape of the indices. */
export const GatherElements = defineOperator<{ axis: number }>({
  name: "GatherElements",
  inputs: ["x", "indices"],
  attributes: { axis: "int" },
  differentiable: true,
  infer: ({ at, input, attributes }) => {
    const [x, indices] = [input(0), input(1)];
    normalizeAxis(at, attributes.axis, x);
    if (x.shape.length !== indices.shape.length) throw shapeError(at, "indices of the rank of x", x, indices);
    return [{ dtype: x.dtype, shape: indices.shape }];
  },
});

/** The run-time sizes of x as int64; `start` and `end` choose axes. */
export const ShapeOf = defineOperator<{ start: number; end: number }>({
  name: "Shape",
  inputs: ["x"],
  attributes: { start: "int", end: "int" },
  differentiable: false,
  infer: ({ attributes }) => [{ dtype: "int64", shape: [attributes.end - attributes.start] }],
});

export const movementOperators = [Transpose, Concat, Split, Slice, Gather, GatherElements, ShapeOf] as const;
