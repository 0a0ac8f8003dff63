import { addDims, type Dim, multiplyDims, subtractDims, type Value } from "../../graph/index.ts";
import type { DifferentiableOperatorName, movementOperators, OpBuilder, shapeOperators } from "../../ops/index.ts";
import { missingGradient } from "../gradient-error.ts";
import { type Application, type RuleOf, rule } from "../rule.ts";
import { swapLast, transposeLast } from "../transpose-last.ts";
import { unbroadcast, zerosLike, zerosOf } from "../unbroadcast.ts";

type MovementName = Extract<keyof typeof movementOperators | keyof typeof shapeOperators, DifferentiableOperatorName>;

export const movementRules: { readonly [Name in MovementName]: RuleOf<Name> } = {
  /** The inverse permutation. */
  Transpose: rule(({ op, attributes: { perm } }, dy) => [
    () => {
      const inverse = perm.map((_, axis) => perm.indexOf(axis));
      const swaps = perm.length >= 2 && swapLast(perm.length).every((axis, place) => inverse[place] === axis);
      return swaps ? transposeLast(op, dy) : op.Transpose(dy, inverse);
    },
  ]),
  Reshape: rule(({ op, input }, dy) => [() => op.Reshape(dy, input(0).shape), undefined]),
  Expand: rule(({ op, input }, dy) => [() => unbroadcast(op, dy, input(0).shape), undefined]),
  /** Each part gets its own stretch of dy. */
  Concat: rule(({ op, input, inputs, attributes }, dy) => {
    const axis = (attributes.axis + dy.shape.length) % dy.shape.length;
    let start: Dim = 0;
    return inputs.map((_, index) => {
      const from = start;
      const length = input(index).shape[axis]!;
      start = addDims(from, length);
      return () => stretch(op, dy, axis, from, length);
    });
  }),
  /** The pieces side by side again; one that nobody used counts as zeros. */
  Split: ({ op, outputs, attributes }, dys) => [
    () =>
      op.Concat(
        outputs.map((output, index) => dys[index] ?? zerosLike(op, output)),
        attributes.axis,
      ),
    undefined,
  ],
  /** dy between zeros. */
  Slice: rule((application, dy) => [
    () => {
      const { op, input } = application;
      const x = input(0);
      const axes = Array.from(input(3).data!.data as BigInt64Array, Number);
      return axes.reduce((gradient, given, index) => {
        const axis = (given + x.shape.length) % x.shape.length;
        const before = startOf(application, dy, axis, index);
        const after = subtractDims(x.shape[axis]!, addDims(before, dy.shape[axis]!));
        const pad = (length: Dim) => {
          if (length === 0) return [];
          const shape = gradient.shape.map((size, i) => (i === axis ? length : size));
          return [zerosOf(op, dy.dtype, shape)];
        };
        return op.Concat([...pad(before), gradient, ...pad(after)], axis);
      }, dy);
    },
    undefined,
    undefined,
    undefined,
  ]),
  /** Rows that were picked several times collect the sum: ScatterElements, since ScatterND loses updates (docs/backends.md). */
  Gather: rule(({ op, input, attributes }, dy) => [
    () => {
      const [x, indices] = [input(0), input(1)];
      const rank = x.shape.length;
      const axis = (attributes.axis + rank) % rank;
      const picked = multiplyDims(...indices.shape);
      const [before, after] = [x.shape.slice(0, axis), x.shape.slice(axis + 1)];
      const rows = op.Reshape(dy, [...before, picked, ...after]);
      const column = op.Reshape(indices, [...before.map(() => 1), picked, ...after.map(() => 1)]);
      return op.ScatterElements(zerosLike(op, x), op.Expand(column, rows.shape), rows, axis);
    },
    undefined,
  ]),
  GatherElements: rule(({ op, input, attributes: { axis } }, dy) => [
    () => op.ScatterElements(zerosLike(op, input(0)), input(1), dy, axis),
    undefined,
  ]),
  /** y = data with updates added at indices. */
  ScatterElements: rule(({ op, input, attributes: { axis } }, dy) => [
    () => dy,
    undefined,
    () => op.GatherElements(dy, input(1), axis),
  ]),
};

/** x[from : from + length] along one axis. */
function stretch(op: OpBuilder, x: Value, axis: number, from: Dim, length: Dim): Value {
  if (typeof from === "number" && typeof length === "number") return op.Slice(x, axis, from, from + length);
  return op.SliceTo(from === 0 ? x : op.SliceFrom(x, axis, from), axis, length);
}

/** Where a Slice began: its constant, or for one to the end of the axis what is missing in front. */
function startOf({ node, input }: Application<unknown>, dy: Value, axis: number, index: number): Dim {
  const [starts, ends] = [input(1).data?.data, input(2).data?.data] as (BigInt64Array | undefined)[];
  const size = input(0).shape[axis]!;
  if (starts) {
    const start = Number(starts[index]);
    return start < 0 ? addDims(size, start) : start;
  }
  if (ends && Number(ends[index]) >= Number.MAX_SAFE_INTEGER) return subtractDims(size, dy.shape[axis]!);
  return missingGradient(node, 0, "a slice with a constant start, or one to the end of its axis");
}
