import { FusionError, shownValue } from "../errors/index.ts";

const twoTo32 = 2 ** 32;

/**
 * A stream of uniform numbers in [0, 1), multiples of 2^-32, the same on every machine for the same seed.
 *
 * The generator is xoshiro128** (period 2^128 - 1); its state is hashed from `seed` and `stream`, so that streams of
 * different names are independent and need not be drawn in any order.
 *
 * @param seed - integer from 0 to 2^53 - 1
 * @param stream - what the numbers are for, a parameter name for example
 * @throws OPTION_INVALID for any other seed
 * @see https://prng.di.unimi.it/xoshiro128starstar.c
 */
export function createRandom(seed: number, stream = ""): () => number {
  const state = randomState(seed, stream);
  return () => nextWord(state) / twoTo32;
}

/**
 * A stream of normally distributed numbers, mean 0 and standard deviation 1, by Box and Muller's transform of {@link createRandom}.
 *
 *   r = sqrt(-2 ln u),  u in (0, 1];   z = r cos(2 pi v),  r sin(2 pi v)
 *
 * Engines may differ in the last bits of logarithm, sine and cosine; none is larger than 6.67 in magnitude.
 */
export function createNormal(seed: number, stream = ""): () => number {
  const state = randomState(seed, stream);
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log((nextWord(state) + 1) / twoTo32));
    const angle = (nextWord(state) / twoTo32) * 2 * Math.PI;
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

/** The next 32 bits of xoshiro128**; `state` has four words, not all zero, and moves on. */
export function nextWord(state: Uint32Array): number {
  const scrambled = Math.imul(rotateLeft(Math.imul(state[1]!, 5), 7), 9) >>> 0;
  const shifted = state[1]! << 9;
  state[2]! ^= state[0]!;
  state[3]! ^= state[1]!;
  state[1]! ^= state[2]!;
  state[0]! ^= state[3]!;
  state[2]! ^= shifted;
  state[3] = rotateLeft(state[3]!, 11);
  return scrambled;
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** Four words, each a hash of seed and name from a start of its own (digits of pi). */
function randomState(seed: number, stream: string): Uint32Array {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new FusionError({
      code: "OPTION_INVALID",
      at: "seed",
      expected: "an integer from 0 to 2^53 - 1",
      actual: shownValue(seed),
      hint: "Give a whole number that is not negative.",
    });
  }
  const state = Uint32Array.of(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344).map((start) => {
    let hash = mixWord(mixWord(start ^ (seed % twoTo32)) ^ Math.floor(seed / twoTo32));
    for (let i = 0; i < stream.length; i++) hash = mixWord((hash ^ stream.charCodeAt(i)) + 0x9e3779b9);
    return hash;
  });
  state[3]! |= 1; // a state of only zeros would stay there
  return state;
}

/** MurmurHash3's 32-bit finaliser: each bit of the input changes half of the output. */
function mixWord(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
