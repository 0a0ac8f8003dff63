import { expect, it } from "vitest";
import { float32, sizeOf, type Tensor, zeros } from "../tensor/index.ts";
import { copyBlock } from "./block-copy.ts";

/** Element by element through coordinates: slow and plain. */
function copySlowly(source: Tensor, target: Tensor, axis: number, from: number, to: number, length: number): void {
  const strides = (shape: readonly number[]) => shape.map((_, d) => sizeOf(shape.slice(d + 1)));
  const place = (shape: readonly number[], index: number[]) =>
    strides(shape).reduce((sum, stride, d) => sum + stride * index[d]!, 0);
  const extent = source.shape.with(axis, length);
  for (let flat = 0; flat < sizeOf(extent); flat++) {
    const index = strides(extent).map((stride, d) => Math.floor(flat / stride) % extent[d]!);
    const read = place(source.shape, index.with(axis, index[axis]! + from));
    const write = place(target.shape, index.with(axis, index[axis]! + to));
    (target.data as Float32Array)[write] = (source.data as Float32Array)[read]!;
  }
}

const shape = [2, 3, 5, 30];
const cases = shape.flatMap((size, axis) => [
  { axis, from: 0, to: 0, length: size },
  { axis, from: 1, to: 2, length: size - 1 },
  { axis, from: 0, to: 3, length: 1 },
  { axis, from: 0, to: 0, length: 0 },
]);

it.each(cases)("copies the same elements as a loop over coordinates: %o", ({ axis, from, to, length }) => {
  const source = float32(
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => i + 1),
  );
  const wider = shape.with(axis, shape[axis]! + 4);
  const expected = zeros("float32", wider);
  const actual = zeros("float32", wider);

  copySlowly(source, expected, axis, from, to, length);
  copyBlock(source, actual, { axis, from, to, length });

  expect(actual.data).toEqual(expected.data);
});
