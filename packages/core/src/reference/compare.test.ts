import { describe, expect, it } from "vitest";
import { int64, tensor } from "../tensor/index.ts";
import { compare, compareExactly, firstSample, type Numbers, numbers, takeRows } from "./compare.ts";

const vector = (...data: number[]): Numbers => ({ shape: [data.length], data });

describe("compare", () => {
  it("measures the largest error against the reference's largest absolute value", () => {
    const row = compare("a/b", vector(1, -4, 2), vector(1.5, -4, 1), 0.25);

    expect(row).toEqual({
      name: "a/b",
      shape: [3],
      elements: 3,
      maxError: 1,
      maxReference: 4,
      relativeError: 0.25,
      tolerance: 0.25,
      passed: true,
    });
    expect(compare("a/b", vector(1, -4, 2), vector(1.5, -4, 1), 0.2499).passed).toBe(false);
  });

  it("passes zeros that are zeros, and fails anything else beside a reference of zeros", () => {
    expect(compare("zeros", vector(0, 0), vector(0, 0), 1e-4)).toMatchObject({ relativeError: 0, passed: true });
    expect(compare("zeros", vector(0, 0), vector(0, 1e-9), 1e-4)).toMatchObject({
      relativeError: Infinity,
      passed: false,
    });
  });

  it.each([
    ["reference", vector(Number.NaN, 1), vector(0, 1)],
    ["result", vector(0, 1), vector(Number.NaN, 1)],
    ["both", vector(Number.NaN, 1), vector(Number.NaN, 1)],
  ])("fails for a NaN in the %s", (_where, reference, actual) => {
    expect(compare("nan", reference, actual, 1e-4)).toMatchObject({ maxError: Number.NaN, passed: false });
  });

  it("counts only the elements that it is told to", () => {
    const row = compare("rows", vector(1, 100, 2), vector(1, 0, 2), 0, (index) => index !== 1);

    expect(row).toMatchObject({ elements: 2, maxReference: 2, passed: true });
  });

  it("refuses a comparison of nothing", () => {
    expect(() => compare("rows", vector(1), vector(1), 0, () => false)).toThrow(/rows: expected rows that count/);
  });

  it("refuses another shape, also one of as many elements", () => {
    const actual = { shape: [2, 1], data: [1, 2] };

    expect(() => compare("x", vector(1, 2), actual, 1)).toThrow("x: expected shape [2, 1], got [2]");
  });
});

describe("compareExactly", () => {
  it("accepts no difference at all", () => {
    expect(compareExactly("ids", [1e9, 7], [1e9, 7]).passed).toBe(true);
    expect(compareExactly("ids", [1e9, 7], [1e9, 8]).passed).toBe(false);
    expect(compareExactly("ids", [], [])).toMatchObject({ elements: 0, passed: true });
  });
});

describe("takeRows", () => {
  const value: Numbers = { shape: [2, 3, 2], data: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] };

  it("takes the same rows of every sample, in the order asked for", () => {
    expect(takeRows(value, [2, 0], "t")).toEqual({ shape: [2, 2, 2], data: Float64Array.of(4, 5, 0, 1, 10, 11, 6, 7) });
  });

  it.each([3, -1])("refuses row %d of three", (row) => {
    expect(() => takeRows(value, [0, row], "variant/tensor")).toThrow(
      `variant/tensor: expected rows of 0 to 2, got row ${row}`,
    );
  });
});

describe("firstSample", () => {
  it("drops the batch axis and the other samples", () => {
    expect(firstSample({ shape: [2, 1, 2], data: [1, 2, 3, 4] })).toEqual({ shape: [1, 2], data: [1, 2] });
  });
});

describe("numbers", () => {
  it("reads whole numbers and 16-bit floats", () => {
    expect(Array.from(numbers(int64([2], [-300, 5])).data)).toEqual([-300, 5]);
    expect(Array.from(numbers(tensor("bfloat16", [2], Uint16Array.of(0x3f80, 0xc000))).data)).toEqual([1, -2]);
    expect(Array.from(numbers(tensor("float16", [2], Uint16Array.of(0x3c00, 0xc000))).data)).toEqual([1, -2]);
  });
});
