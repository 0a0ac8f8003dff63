import { addDims, type Dim, multiplyDims, type Shape, subtractDims, type Value } from "../../graph/index.ts";
import type { DifferentiableOperatorName, movementOperators, OpBuilder, shapeOperators } from "../../ops/index.ts";
import { type RuleOf, rule } from "../rule.ts";
import { unbroadcast } from "../unbroadcast.ts";

type MovementName = Extract<keyof typeof movementOperators | keyof typeof shapeOperators, DifferentiableOperatorName>;

export const movementRules: { readonly [Name in MovementName]: RuleOf<Name> } = {
  /** The inverse permutation. */
  Transpose: rule(({ op, attributes: { perm } }, dy) => [
    () =>
      op.Transpose(
        dy,
        perm.map((_, axis) => perm.indexOf(axis)),
      ),
  ]),
  Reshape: rule(({ op, input }, dy) => [() => op.Reshape(dy, input(0).shape), undefined]),
  Expand: rule(({ op, input }, dy) => [() => unbroadcast(op, dy, input(0).shape), undefined]),
  /** Each part gets its own stretch of dy. */
  Concat: rule(({ op, inputs, input, attributes }, dy) => {
    const axis = (attributes.axis + dy.shape.length) % dy.shape.length;
    let start: Dim = 0;
    return inputs.map((_, index) => {
      const from = start;
      const length = input(index).shape[axis]!;
      start = addDims(start, length);
      return () => op.SliceTo(op.SliceFrom(dy, axis, from), axis, length);
    });
  }),
  /** The pieces side by side again; one that nobody used counts as zeros. */
  Split: ({ op, outputs, attributes }, dys) => [
    () =>
      op.Concat(
        outputs.map((output, index) => dys[index] ?? zerosOf(op, output.shape)),
        attributes.axis,
      ),
    undefined,
  ],
  /** dy between zeros. */
  Slice: rule(({ op, input }, dy) => [
    () => {
      const x = input(0);
      const axes = Array.from(input(3).data!.data as BigInt64Array, Number);
      return axes.reduceRight((gradient, axis, index) => {
        const before = startOf(x, dy, input(1), axis, index);
        const after = subtractDims(x.shape[axis]!, addDims(before, dy.shape[axis]!));
        const pad = (length: Dim) =>
          zerosOf(
            op,
            gradient.shape.map((size, i) => (i === axis ? length : size)),
          );
        const parts = [...(before === 0 ? [] : [pad(before)]), gradient, ...(after === 0 ? [] : [pad(after)])];
        return op.Concat(parts, axis);
      }, dy);
    },
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
      return op.ScatterElements(zerosOf(op, x.shape), op.Expand(column, rows.shape), rows, axis);
    },
    undefined,
  ]),
  GatherElements: rule(({ op, input, attributes: { axis } }, dy) => [
    () => op.ScatterElements(zerosOf(op, input(0).shape), input(1), dy, axis),
    undefined,
  ]),
  /** y = data with updates added at indices. */
  ScatterElements: rule(({ op, input, attributes: { axis } }, dy) => [
    () => dy,
    undefined,
    () => op.GatherElements(dy, input(1), axis),
  ]),
};

/** Where a Slice began: its constant, or for one to the end of a symbolic axis what is missing in front. */
function startOf(x: Value, dy: Value, starts: Value, axis: number, index: number): Dim {
  const size = x.shape[axis]!;
  if (!starts.data) return subtractDims(size, dy.shape[axis]!);
  const start = Number((starts.data.data as BigInt64Array)[index]);
  return start < 0 ? addDims(size, start) : start;
}

function zerosOf(op: OpBuilder, shape: Shape): Value {
  return op.Expand(op.operand(0, "float32"), shape);
}
