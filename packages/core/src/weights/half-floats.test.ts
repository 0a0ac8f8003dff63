import { describe, expect, it } from "vitest";
import { decodeBfloat16, decodeFloat16 } from "../tensor/index.ts";
import { encodeBfloat16, encodeFloat16 } from "./half-floats.ts";

const allWords = Uint16Array.from({ length: 65536 }, (_, word) => word);

/** The words whose value is a number, and those whose value is none. */
function split(decode: (words: Uint16Array) => Float32Array): { numbers: Uint16Array; nans: Uint16Array } {
  const values = decode(allWords);
  return {
    numbers: allWords.filter((word) => !Number.isNaN(values[word])),
    nans: allWords.filter((word) => Number.isNaN(values[word])),
  };
}

/** Where two lists of words differ; comparing typed arrays of this length with toEqual takes seconds. */
function differences(actual: Uint16Array, expected: Uint16Array): number[] {
  return [...actual.keys()].filter((i) => actual[i] !== expected[i]);
}

describe.each([
  { name: "encodeFloat16", encode: encodeFloat16, decode: decodeFloat16, largest: 0x7bff, nanCount: 2 * 1023 },
  { name: "encodeBfloat16", encode: encodeBfloat16, decode: decodeBfloat16, largest: 0x7f7f, nanCount: 2 * 127 },
])("$name", ({ encode, decode, largest, nanCount }) => {
  it("gives back every word that is a number", () => {
    const { numbers } = split(decode);

    expect(differences(encode(decode(numbers)), numbers)).toEqual([]);
  });

  it("keeps NaN a NaN", () => {
    const { nans } = split(decode);

    expect(nans).toHaveLength(nanCount);
    expect(decode(encode(decode(nans))).every(Number.isNaN)).toBe(true);
  });

  it("rounds to the nearest word, ties to the even one, for every pair of neighbours", () => {
    const words = allWords.slice(0, largest);
    const below = decode(words);
    const above = decode(words.map((word) => word + 1));
    const middle = below.map((value, i) => (value + above[i]!) / 2);
    const bits = new Uint32Array(middle.slice().buffer);
    const justUnder = new Float32Array(bits.map((bit) => bit - 1).buffer);
    const justOver = new Float32Array(bits.map((bit) => bit + 1).buffer);

    const even = words.map((word) => word + (word & 1));
    const negative = encode(middle.map((value) => -value));
    expect(differences(encode(middle), even)).toEqual([]);
    expect(differences(encode(justUnder), words)).toEqual([]);
    expect(
      differences(
        encode(justOver),
        words.map((word) => word + 1),
      ),
    ).toEqual([]);
    expect(
      differences(
        negative,
        even.map((word) => word | 0x8000),
      ),
    ).toEqual([]);
  });
});

describe("known words", () => {
  it("float16 as numpy rounds", () => {
    const values = Float32Array.of(0, -0, 1, -2, 65504, 65519.996, 65520, 1e-8, 2 ** -24, 2 ** -25, 2.9802326e-8);
    const more = Float32Array.of(
      2 ** -14,
      6.097555e-5,
      0.1,
      Math.PI,
      1.00048828125,
      1.00146484375,
      -Infinity,
      1.5 * 2 ** -24,
    );

    // numpy 2.4: x.astype(float16).view(uint16)
    expect([...encodeFloat16(values)]).toEqual([0, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x7bff, 0x7c00, 0, 1, 0, 1]);
    expect([...encodeFloat16(more)]).toEqual([0x400, 0x3ff, 0x2e66, 0x4248, 0x3c00, 0x3c02, 0xfc00, 2]);
  });

  it("bfloat16 by hand", () => {
    const values = Float32Array.of(0, 1, -2, Math.PI, 0.1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.4028235e38, 1e-40);

    // 1 + 2^-8 and 1 + 3·2^-8 are ties; the largest float32 rounds up to infinity
    expect([...encodeBfloat16(values)]).toEqual([0, 0x3f80, 0xc000, 0x4049, 0x3dcd, 0x3f80, 0x3f82, 0x7f80, 1]);
  });
});
