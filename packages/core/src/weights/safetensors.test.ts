import { describe, expect, it } from "vitest";
import { FusionError } from "../errors/index.ts";
import { encodeSafetensorsHeader } from "./encode-safetensors.ts";
import { headerEnd } from "./header-end.ts";
import { parseSafetensorsHeader, tensorFromBytes } from "./safetensors.ts";

/** A file with this header, spelt out, and that many bytes of data. */
function fileWith(header: string, dataSize: number): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + dataSize);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

function errorOf(act: () => unknown): FusionError {
  try {
    act();
  } catch (error) {
    if (FusionError.isInstance(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const parse = (bytes: Uint8Array) => parseSafetensorsHeader(bytes, bytes.length, "m.safetensors");
const entry = (dtype: string, shape: string, begin: number, end: number) =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;

describe("parseSafetensorsHeader", () => {
  it("gives absolute offsets in the order of the bytes, whatever the order of the names", () => {
    const header = `{"b":${entry("F16", "[2,3]", 4, 16)},"__metadata__":{"format":"pt"},"a":${entry("F32", "[]", 0, 4)}}`;

    const { tensors, metadata } = parse(fileWith(header, 16));

    expect([...tensors]).toEqual([
      ["a", { dtype: "float32", shape: [], offset: 8 + header.length, length: 4 }],
      ["b", { dtype: "float16", shape: [2, 3], offset: 8 + header.length + 4, length: 12 }],
    ]);
    expect(metadata).toEqual({ format: "pt" });
  });

  it.each([
    ["F32", "float32", 4],
    ["F64", "float64", 8],
    ["F16", "float16", 2],
    ["BF16", "bfloat16", 2],
    ["I64", "int64", 8],
    ["I32", "int32", 4],
    ["I8", "int8", 1],
    ["U8", "uint8", 1],
    ["BOOL", "bool", 1],
  ])("knows %s", (name, dtype, bytes) => {
    const { tensors } = parse(fileWith(`{"x":${entry(name, "[3]", 0, 3 * bytes)}}`, 3 * bytes));

    expect(tensors.get("x")).toMatchObject({ dtype, length: 3 * bytes });
  });

  it("accepts spaces behind the object, empty tensors and names that JavaScript objects treat specially", () => {
    const header = `{"__proto__":${entry("I8", "[0,7]", 0, 0)},"constructor":${entry("I8", "[1]", 0, 1)}}   `;

    const { tensors } = parse(fileWith(header, 1));

    expect([...tensors.keys()]).toEqual(["__proto__", "constructor"]);
  });

  it("puts an empty tensor before the one that starts at the same byte", () => {
    const header = `{"full":${entry("U8", "[4]", 0, 4)},"empty":${entry("U8", "[0]", 0, 0)}}`;

    expect([...parse(fileWith(header, 4)).tensors.keys()]).toEqual(["empty", "full"]);
  });

  it("reads names with quotes and brackets in them", () => {
    const header = `{"a\\"{[":${entry("U8", "[1]", 0, 1)},"b\\\\":${entry("U8", "[1]", 1, 2)}}`;

    expect([...parse(fileWith(header, 2)).tensors.keys()]).toEqual(['a"{[', "b\\"]);
  });

  it.each<[string, string, number, RegExp]>([
    [
      "overlap",
      `{"a":${entry("U8", "[4]", 0, 4)},"b":${entry("U8", "[4]", 2, 6)}}`,
      6,
      /"b": expected data at 4, got 2: 2 bytes of overlap with tensor "a"/,
    ],
    [
      "two tensors on the same bytes",
      `{"a":${entry("U8", "[4]", 0, 4)},"b":${entry("U8", "[4]", 0, 4)}}`,
      4,
      /overlap/,
    ],
    [
      "a hole",
      `{"a":${entry("U8", "[2]", 0, 2)},"b":${entry("U8", "[2]", 4, 6)}}`,
      6,
      /"b": expected data at 2, got 4: a hole of 2 bytes after tensor "a"/,
    ],
    ["a hole at the start", `{"a":${entry("U8", "[2]", 1, 3)}}`, 3, /hole of 1 bytes after the start of the data/],
    [
      "an end past the file",
      `{"a":${entry("U8", "[9]", 0, 9)}}`,
      8,
      /"a": expected data within the 8 bytes behind the header, got an end at 9/,
    ],
    [
      "bytes that no tensor covers",
      `{"a":${entry("U8", "[2]", 0, 2)}}`,
      5,
      /expected 2 bytes of data, as the header says, got 5/,
    ],
    ["an unknown dtype", `{"a":${entry("F8_E4M3", "[2]", 0, 2)}}`, 2, /"a": expected dtype F32, .*BOOL, got "F8_E4M3"/],
    ["a dtype in the wrong case", `{"a":${entry("f32", "[1]", 0, 4)}}`, 4, /got "f32"/],
    ["no dtype", `{"a":{"shape":[1],"data_offsets":[0,1]}}`, 1, /expected dtype .*, got nothing/],
    [
      "a span of the wrong size",
      `{"a":${entry("F32", "[2,2]", 0, 12)}}`,
      12,
      /span 16 bytes \(F32 \[2, 2\]\), got 12 bytes/,
    ],
    ["a span that is too large", `{"a":${entry("F32", "[1]", 0, 8)}}`, 8, /span 4 bytes \(F32 \[1\]\), got 8 bytes/],
    ["offsets that run backwards", `{"a":${entry("F32", "[1]", 4, 0)}}`, 4, /got -4 bytes/],
    ["a negative dimension", `{"a":${entry("U8", "[-1]", 0, 1)}}`, 1, /shape of non-negative integers, got \[-1\]/],
    ["a broken dimension", `{"a":${entry("U8", "[1.5]", 0, 1)}}`, 1, /got \[1.5\]/],
    ["a shape that is no list", `{"a":${entry("U8", `"1"`, 0, 1)}}`, 1, /shape of non-negative integers, got "1"/],
    ["a size past 2^53", `{"a":${entry("U8", "[4294967296,4294967296]", 0, 1)}}`, 1, /less than 2\^53 bytes/],
    ["an absurd empty shape", `{"a":${entry("U8", "[9e15,9e15,0]", 0, 0)}}`, 0, /less than 2\^53 bytes/],
    [
      "one offset",
      `{"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}}`,
      1,
      /data_offsets of two non-negative integers, got \[0\]/,
    ],
    [
      "an offset past 2^53",
      `{"a":{"dtype":"U8","shape":[1],"data_offsets":[9007199254740993,9007199254740994]}}`,
      1,
      /data_offsets of two/,
    ],
    [
      "an entry that is no object",
      `{"a":[0,1]}`,
      1,
      /"a": expected an object with dtype, shape and data_offsets, got \[0,1\]/,
    ],
    [
      "a name twice",
      `{"a":${entry("U8", "[1]", 0, 1)},"a":${entry("U8", "[1]", 1, 2)}}`,
      2,
      /names each key once, got "a" twice/,
    ],
    [
      "a name twice, once escaped",
      `{"a":${entry("U8", "[1]", 0, 1)},"\\u0061":${entry("U8", "[1]", 0, 1)}}`,
      1,
      /got "a" twice/,
    ],
    ["a field twice", `{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}`, 1, /got "dtype" twice/],
    ["a null character in a name", `{"a\\u0000":${entry("U8", "[1]", 0, 1)}}`, 1, /without a null character/],
    ["metadata that are not strings", `{"__metadata__":{"step":3}}`, 0, /__metadata__ as an object of strings/],
    ["a header that is no JSON", `{"a":`, 0, /text that is not JSON/],
    ["a header that is a list", `[]`, 0, /begins with \{/],
    ["a header behind a space", ` {}`, 0, /begins with \{/],
    ["an empty header", "", 0, /begins with \{/],
  ])("refuses %s", (_what, header, dataSize, message) => {
    const error = errorOf(() => parse(fileWith(header, dataSize)));

    expect(error.code).toBe("WEIGHTS_INVALID");
    expect(error.message).toMatch(/^m\.safetensors: /);
    expect(error.message).toMatch(message);
    expect(error.details.file).toBe("m.safetensors");
  });

  it("refuses bytes that are not UTF-8", () => {
    const bytes = fileWith(`{"a?":${entry("U8", "[1]", 0, 1)}}`, 1);
    bytes[8 + 3] = 0xff;

    expect(errorOf(() => parse(bytes)).message).toMatch(/bytes that are not UTF-8/);
  });

  it("refuses nesting that would exhaust the parser, before it is parsed", () => {
    const header = `{"a":${"[".repeat(5_000_000)}`;

    expect(errorOf(() => parse(fileWith(header, 0))).message).toMatch(/at most 8 nested levels/);
  });

  it("shows hostile names without their control characters and in part", () => {
    const name = `\\u001b[31m\u009b${"x".repeat(5000)}`;

    const { message } = errorOf(() => parse(fileWith(`{"${name}":1}`, 0)));

    expect([...message].every((char) => char >= " " && !(char >= "\u007f" && char <= "\u009f"))).toBe(true);
    expect(message.length).toBeLessThan(400);
  });
});

describe("headerEnd", () => {
  const start = (length: bigint) => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, length, true);
    return bytes;
  };

  it("counts the length field", () => {
    expect(headerEnd(start(16n), 1000, "m")).toBe(24);
  });

  it.each<[string, Uint8Array, number, RegExp]>([
    ["an empty file", new Uint8Array(0), 0, /at least 8 bytes, got 0 bytes/],
    ["a length past the file", start(100n), 50, /expected 108 bytes or more, .*got a file of 50 bytes/],
    [
      "a length past 100 MB",
      start(100_000_001n),
      10 ** 12,
      /at most 100000000 bytes, got a header length of 100000001/,
    ],
    ["a length of 2^64 - 1", start(2n ** 64n - 1n), 1000, /18446744073709551615/],
    ["a Git LFS pointer", new TextEncoder().encode("version https://git-lfs"), 130, /got a Git LFS pointer/],
    ["a pickle in its zip archive", Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 0), 1000, /got a zip archive/],
  ])("refuses %s", (_what, bytes, fileSize, message) => {
    const error = errorOf(() => headerEnd(bytes, fileSize, "m.safetensors"));

    expect(error.code).toBe("WEIGHTS_INVALID");
    expect(error.message).toMatch(message);
  });
});

describe("encodeSafetensorsHeader", () => {
  it("makes what the parser reads, data aligned to its element size", () => {
    const layout = [
      { name: "odd", dtype: "uint8", shape: [3] },
      { name: "half", dtype: "float16", shape: [3] },
      { name: "0", dtype: "float32", shape: [1, 2] },
      { name: "long", dtype: "int64", shape: [] },
    ] as const;

    const { bytes, tensors, fileSize } = encodeSafetensorsHeader(layout, { format: "pt" }, "m");

    expect(bytes.length % 8).toBe(0);
    expect([...tensors.keys()]).toEqual(["long", "0", "half", "odd"]);
    expect(fileSize).toBe(bytes.length + 8 + 8 + 6 + 3);
    expect(parseSafetensorsHeader(bytes, fileSize, "m")).toEqual({ tensors, metadata: { format: "pt" } });
  });

  it.each([
    [
      "a name twice",
      [
        { name: "a", shape: [1] },
        { name: "a", shape: [1] },
      ],
      /"a": expected each tensor once/,
    ],
    ["the reserved name", [{ name: "__metadata__", shape: [1] }], /reserved/],
    ["a negative dimension", [{ name: "a", shape: [-1] }], /got \[-1\]/],
  ])("refuses %s", (_what, layout, message) => {
    const typed = layout.map((it) => ({ ...it, dtype: "float32" as const }));

    expect(errorOf(() => encodeSafetensorsHeader(typed, undefined, "m")).message).toMatch(message);
  });
});

describe("tensorFromBytes", () => {
  it("reads little-endian values from an odd position", () => {
    const bytes = Uint8Array.of(99, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0).subarray(1);

    expect(tensorFromBytes("float32", [2], bytes).data).toEqual(Float32Array.of(1, -2));
  });

  it("shares the memory where it is aligned", () => {
    const bytes = new Uint8Array(8);

    expect(tensorFromBytes("float32", [2], bytes).data.buffer).toBe(bytes.buffer);
  });

  it("refuses bytes that do not fit the shape", () => {
    expect(errorOf(() => tensorFromBytes("float32", [2], new Uint8Array(4))).code).toBe("SHAPE_MISMATCH");
  });
});
