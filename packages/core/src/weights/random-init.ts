import { createNormal, type Dtype, sizeOf } from "../tensor/index.ts";
import { encodeBfloat16, encodeFloat16 } from "./half-floats.ts";

export interface RandomInitOptions {
  /** Integer from 0 to 2^53 - 1. */
  readonly seed: number;
  /** Standard deviation of the normally distributed weights; 0.02 by default, as in both backbones' `initializer_range`. */
  readonly std?: number;
}

/** The element types that weights are stored in. */
export type FloatDtype = Extract<Dtype, "float32" | "float16" | "bfloat16">;

export interface RandomChunksOptions<D extends FloatDtype> extends RandomInitOptions {
  readonly dtype: D;
  /** Elements in each piece but the last; 262 144 by default. It does not change the values. */
  readonly chunkElements?: number;
}

const encoders: { [D in FloatDtype]: (values: Float32Array) => Float32Array | Uint16Array } = {
  float32: (values) => values,
  float16: encodeFloat16,
  bfloat16: encodeBfloat16,
};

/**
 * Initial values of one parameter, the same for the same seed and name in whatever order parameters are asked for.
 *
 * A name that ends in `.bias` gives 0; one that ends in `.weight` and has one dimension, as only norms do, gives 1; all else
 * is normal with mean 0 and deviation `std`.
 *
 * @throws OPTION_INVALID for a seed that is none
 */
export function randomTensor(name: string, shape: readonly number[], options: RandomInitOptions): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  fillFrom(initialValues(name, shape, options), values);
  return values;
}

/** The values of {@link randomTensor} piece by piece in a stored element type, so that gigabytes never lie in memory together. */
export function* randomChunks<D extends FloatDtype>(
  name: string,
  shape: readonly number[],
  { dtype, chunkElements = 2 ** 18, ...options }: RandomChunksOptions<D>,
): Generator<D extends "float32" ? Float32Array : Uint16Array> {
  const next = initialValues(name, shape, options);
  const encode = encoders[dtype];
  const size = sizeOf(shape);
  for (let done = 0; done < size; done += chunkElements) {
    const values = new Float32Array(Math.min(chunkElements, size - done));
    fillFrom(next, values);
    yield encode(values) as D extends "float32" ? Float32Array : Uint16Array;
  }
}

function initialValues(name: string, shape: readonly number[], { seed, std = 0.02 }: RandomInitOptions): () => number {
  const normal = createNormal(seed, name);
  if (name.endsWith(".bias")) return () => 0;
  if (name.endsWith(".weight") && shape.length === 1) return () => 1;
  return () => normal() * std;
}

function fillFrom(next: () => number, values: Float32Array): void {
  for (let i = 0; i < values.length; i++) values[i] = next();
}
