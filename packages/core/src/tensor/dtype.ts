/** Element types, by their ONNX names in lower case. `float16` and `bfloat16` are held as raw 16-bit words. */
export type Dtype = "float32" | "float64" | "float16" | "bfloat16" | "int64" | "int32" | "int8" | "uint8" | "bool";

/** The typed array that holds each element type; 16-bit floats are raw words, booleans are 0 or 1. */
export interface DtypeArrays {
  float32: Float32Array;
  float64: Float64Array;
  float16: Uint16Array;
  bfloat16: Uint16Array;
  int64: BigInt64Array;
  int32: Int32Array;
  int8: Int8Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}

interface DtypeFacts<D extends Dtype> {
  bytes: number;
  /** `TensorProto.DataType` in onnx.proto. */
  onnx: number;
  array: new (buffer: ArrayBufferLike | number, byteOffset?: number, length?: number) => DtypeArrays[D];
}

export const dtypeFacts: { [D in Dtype]: DtypeFacts<D> } = {
  float32: { bytes: 4, onnx: 1, array: Float32Array as DtypeFacts<"float32">["array"] },
  float64: { bytes: 8, onnx: 11, array: Float64Array as DtypeFacts<"float64">["array"] },
  float16: { bytes: 2, onnx: 10, array: Uint16Array as DtypeFacts<"float16">["array"] },
  bfloat16: { bytes: 2, onnx: 16, array: Uint16Array as DtypeFacts<"bfloat16">["array"] },
  int64: { bytes: 8, onnx: 7, array: BigInt64Array as DtypeFacts<"int64">["array"] },
  int32: { bytes: 4, onnx: 6, array: Int32Array as DtypeFacts<"int32">["array"] },
  int8: { bytes: 1, onnx: 3, array: Int8Array as DtypeFacts<"int8">["array"] },
  uint8: { bytes: 1, onnx: 2, array: Uint8Array as DtypeFacts<"uint8">["array"] },
  bool: { bytes: 1, onnx: 9, array: Uint8Array as DtypeFacts<"bool">["array"] },
};

/** float32 value of a bfloat16 word: the word is the upper half of the float32. */
export function decodeBfloat16(words: Uint16Array): Float32Array {
  const bits = new Uint32Array(words.length);
  for (let i = 0; i < words.length; i++) bits[i] = words[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** float32 value of an IEEE half-precision word. */
export function decodeFloat16(words: Uint16Array): Float32Array {
  const out = new Float32Array(words.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const sign = word & 0x8000 ? -1 : 1;
    const exponent = (word >> 10) & 0x1f;
    const fraction = word & 0x3ff;
    if (exponent === 0) out[i] = sign * 2 ** -14 * (fraction / 1024);
    else if (exponent === 31) out[i] = fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    else out[i] = sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
  }
  return out;
}
