/** The bit patterns of the same memory. */
function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

/** bfloat16 words of float32 values: rounded to nearest, ties to even; NaN stays NaN. */
export function encodeBfloat16(values: Float32Array): Uint16Array {
  const bits = bitsOf(values);
  const words = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) {
    const bit = bits[i]!;
    const isNotANumber = (bit & 0x7fffffff) > 0x7f800000;
    // Half of the last kept place less one, plus that place: a tie then carries only into an odd word.
    words[i] = isNotANumber ? (bit >>> 16) | 0x40 : (bit + 0x7fff + ((bit >>> 16) & 1)) >>> 16;
  }
  return words;
}

/** IEEE half-precision words of float32 values: rounded to nearest, ties to even; from 65520 on infinite; NaN stays NaN. */
export function encodeFloat16(values: Float32Array): Uint16Array {
  const bits = bitsOf(values);
  const words = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) words[i] = float16Word(bits[i]!);
  return words;
}

function float16Word(bit: number): number {
  const sign = (bit >>> 16) & 0x8000;
  const magnitude = bit & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 65520 lies half way between the largest half and the next power of two.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // From 2^-14 on: rebias the exponent by 112, round away 13 fraction bits; a carry moves into the exponent by itself.
  if (magnitude >= 0x38800000) return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  // At most 2^-25: half of the smallest subnormal or less, a tie goes to zero.
  if (magnitude <= 0x33000000) return sign;
  // Subnormal: the fraction with its leading one, counted in steps of 2^-24.
  const shift = 126 - (magnitude >>> 23);
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  const odd = (fraction >>> shift) & 1;
  return sign | ((fraction + (1 << (shift - 1)) - 1 + odd) >>> shift);
}
