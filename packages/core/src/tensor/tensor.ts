import { FusionError } from "../errors/index.ts";
import { type Dtype, type DtypeArrays, decodeBfloat16, decodeFloat16, dtypeFacts } from "./dtype.ts";

/** A dense row-major array: the only form in which numbers enter and leave the engine. */
export interface Tensor<D extends Dtype = Dtype> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly data: DtypeArrays[D];
}

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/** A tensor over existing data. Throws SHAPE_MISMATCH when the element count does not fit the shape. */
export function tensor<D extends Dtype>(dtype: D, shape: readonly number[], data: DtypeArrays[D]): Tensor<D> {
  if (data.length !== sizeOf(shape)) {
    throw new FusionError({
      code: "SHAPE_MISMATCH",
      at: "tensor",
      expected: `${sizeOf(shape)} elements for shape [${shape.join(", ")}]`,
      actual: `${data.length}`,
      hint: "Pass data whose length is the product of the shape.",
    });
  }
  return { dtype, shape: [...shape], data };
}

/** A zero-filled tensor. */
export function zeros<D extends Dtype>(dtype: D, shape: readonly number[]): Tensor<D> {
  return { dtype, shape: [...shape], data: new dtypeFacts[dtype].array(sizeOf(shape)) };
}

/** float32 tensor from plain numbers. */
export function float32(shape: readonly number[], values: ArrayLike<number>): Tensor<"float32"> {
  return tensor("float32", shape, Float32Array.from(values));
}

/** int64 tensor from plain numbers. */
export function int64(shape: readonly number[], values: ArrayLike<number>): Tensor<"int64"> {
  return tensor("int64", shape, BigInt64Array.from(Array.from(values, (value) => BigInt(value))));
}

/** The values as float32, decoding 16-bit floats; the same memory where it already is float32. */
export function toFloat32(value: Tensor): Float32Array {
  switch (value.dtype) {
    case "float32":
      return value.data as Float32Array;
    case "float16":
      return decodeFloat16(value.data as Uint16Array);
    case "bfloat16":
      return decodeBfloat16(value.data as Uint16Array);
    default:
      return Float32Array.from(value.data as ArrayLike<number | bigint>, (element) => Number(element));
  }
}
