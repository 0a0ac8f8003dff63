import { addDims, type Dim, formatShape, sameShape, subtractDims, type Value } from "../graph/index.ts";
import {
  constantInts,
  defineOperator,
  normalizeAxis,
  requireIndices,
  sameDtype,
  shapeError,
  statedShape,
} from "./operator.ts";

/** Reorders the axes: output axis i is input axis perm[i]. */
export const Transpose = defineOperator({
  name: "Transpose",
  inputs: ["x"],
  attributes: { perm: "ints" },
  differentiable: true,
  infer: ({ at, input, attributes: { perm } }) => {
    const x = input(0);
    if (
      perm.length !== x.shape.length ||
      new Set(perm).size !== perm.length ||
      perm.some((axis) => x.shape[axis] === undefined)
    ) {
      throw shapeError(at, `a permutation of ${x.shape.length} axes, not [${perm.join(", ")}]`, x);
    }
    return [{ dtype: x.dtype, shape: perm.map((axis) => x.shape[axis]!) }];
  },
});

/** Joins any number of inputs along one axis. */
export const Concat = defineOperator({
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

/** Cuts one axis into pieces whose lengths the second input gives as a constant. */
export const Split = defineOperator({
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

/**
 * x[starts:ends] along constant axes with step 1. Ends of INT64_MAX mean "to the end"; negative ones count from it.
 *
 * A range outside the axis is an error here, where ONNX would silently cut it. Bounds that exist at run time only need the
 * stated shape.
 */
export const Slice = defineOperator({
  name: "Slice",
  inputs: ["x", "starts", "ends", "axes"],
  attributes: {},
  differentiable: true,
  infer: ({ at, input, stated }) => {
    const [x, starts, ends] = [input(0), input(1), input(2)];
    const axes = constantInts(at, input(3)).map((axis) => normalizeAxis(at, axis, x));
    if (starts.kind !== "constant" || ends.kind !== "constant") {
      const shape = statedShape(at, stated, starts, ends);
      const fits = shape.length === x.shape.length && shape.every((size, i) => axes.includes(i) || size === x.shape[i]);
      if (!fits)
        throw shapeError(at, `a stated shape that differs along axes ${axes} only, not ${formatShape(shape)}`, x);
      return [{ dtype: x.dtype, shape }];
    }
    const [from, to] = [constantInts(at, starts), constantInts(at, ends)];
    const shape = [...x.shape];
    axes.forEach((axis, i) => {
      shape[axis] = slicedLength(at, x, axis, from[i]!, to[i]!);
    });
    return [{ dtype: x.dtype, shape }];
  },
});

function slicedLength(at: string, x: Value, axis: number, from: number, to: number): Dim {
  const size = x.shape[axis]!;
  const start = from < 0 ? addDims(size, from) : from;
  const end = to >= Number.MAX_SAFE_INTEGER ? size : to < 0 ? addDims(size, to) : to;
  const length = subtractDims(end, start);
  const isOutside = typeof size === "number" && ((start as number) < 0 || (end as number) > size);
  if (isOutside || (typeof length === "number" && length < 0))
    throw shapeError(at, `axis ${axis} to hold [${start}, ${end})`, x);
  return length;
}

/** Picks rows: output = x with `axis` replaced by the shape of the indices. */
export const Gather = defineOperator({
  name: "Gather",
  inputs: ["x", "indices"],
  attributes: { axis: "int" },
  differentiable: true,
  infer: ({ at, input, attributes }) => {
    const [x, indices] = [input(0), input(1)];
    requireIndices(at, indices);
    const axis = normalizeAxis(at, attributes.axis, x);
    return [{ dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] }];
  },
});

/** y[i][j] = x[i][indices[i][j]] along `axis`; the output has the shape of the indices. */
export const GatherElements = defineOperator({
  name: "GatherElements",
  inputs: ["x", "indices"],
  attributes: { axis: "int" },
  differentiable: true,
  infer: ({ at, input, attributes }) => {
    const [x, indices] = [input(0), input(1)];
    requireIndices(at, indices);
    normalizeAxis(at, attributes.axis, x);
    if (x.shape.length !== indices.shape.length) throw shapeError(at, "indices of the rank of x", x, indices);
    return [{ dtype: x.dtype, shape: indices.shape }];
  },
});

/** data with each update added at its index along `axis`; indices may repeat. */
export const ScatterElements = defineOperator({
  name: "ScatterElements",
  inputs: ["data", "indices", "updates"],
  attributes: { axis: "int", reduction: "string" },
  differentiable: true,
  infer: ({ at, input, attributes }) => {
    const [data, indices, updates] = [input(0), input(1), input(2)];
    requireIndices(at, indices);
    normalizeAxis(at, attributes.axis, data);
    if (attributes.reduction !== "add") throw shapeError(at, 'reduction "add"', data);
    if (!sameShape(indices.shape, updates.shape) || indices.shape.length !== data.shape.length) {
      throw shapeError(at, "indices and updates of one shape and of the rank of data", data, indices, updates);
    }
    return [{ dtype: sameDtype(at, data, updates), shape: data.shape }];
  },
});

export const movementOperators = {
  Transpose,
  Concat,
  Split,
  Slice,
  Gather,
  GatherElements,
  ScatterElements,
} as const;
