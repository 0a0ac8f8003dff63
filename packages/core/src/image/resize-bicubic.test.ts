import { describe, expect, it } from "vitest";
import { resizeBicubic } from "./resize-bicubic.ts";
import type { RgbImage } from "./rgb-image.ts";

const grey = (width: number, height: number, level: (x: number, y: number) => number): RgbImage => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, index) => {
    const pixel = Math.floor(index / 3);
    return level(pixel % width, Math.floor(pixel / width));
  }),
});

const redRow = ({ data, width }: RgbImage) => Array.from({ length: width }, (_, x) => data[x * 3]);

describe("resizeBicubic", () => {
  it("returns a copy when the size does not change", () => {
    const image = grey(3, 2, (x, y) => x * 50 + y);

    const same = resizeBicubic(image, 3, 2);

    expect(same).toEqual(image);
    expect(same.data.buffer).not.toBe(image.data.buffer);
  });

  it("spreads a single pixel over any size", () => {
    const image: RgbImage = { width: 1, height: 1, data: Uint8Array.of(7, 130, 255) };

    const { data } = resizeBicubic(image, 768, 768);

    expect(data.length).toBe(768 * 768 * 3);
    for (let index = 0; index < data.length; index += 3) {
      if (data[index] !== 7 || data[index + 1] !== 130 || data[index + 2] !== 255) {
        throw new Error(`pixel ${index / 3} is ${data.subarray(index, index + 3)}`);
      }
    }
  });

  it("interpolates with a = −0.5, renormalised where the filter leaves the picture", () => {
    // 2 → 4: offsets ±0.25, ±0.75, ±1.25 weigh 0.8671875, 0.2265625 and −0.0703125, so the second pixel's share is
    // −0.0882 (clipped), 0.2071, 0.7929 and 1.0882.
    const image = grey(2, 1, (x) => x * 200);

    expect(redRow(resizeBicubic(image, 4, 1))).toEqual([0, 41, 159, 218]);
  });

  it("clips where the negative lobes overshoot", () => {
    const edge = grey(8, 1, (x) => (x < 4 ? 0 : 255));

    const enlarged = redRow(resizeBicubic(edge, 32, 1));

    expect(Math.min(...(enlarged as number[]))).toBe(0);
    expect(Math.max(...(enlarged as number[]))).toBe(255);
    expect(enlarged.slice(0, 8)).toEqual(Array(8).fill(0));
    expect(enlarged.slice(24)).toEqual(Array(8).fill(255));
  });

  it("averages over everything that falls into an output pixel when shrinking", () => {
    const stripes = grey(1000, 10, (x) => (x % 2) * 255);

    const shrunk = redRow(resizeBicubic(stripes, 10, 10)) as number[];

    for (const level of shrunk) expect(Math.abs(level - 127.5)).toBeLessThanOrEqual(1);
  });

  it("resizes columns as it resizes rows", () => {
    const wide = grey(37, 1, (x) => (x * x * 13) % 256);
    const tall: RgbImage = { width: 1, height: 37, data: wide.data };

    expect(resizeBicubic(tall, 1, 11).data).toEqual(resizeBicubic(wide, 11, 1).data);
    expect(resizeBicubic(tall, 1, 97).data).toEqual(resizeBicubic(wide, 97, 1).data);
  });

  it("shrinks a picture of one column and a hundred thousand rows", () => {
    const halves = grey(1, 100_000, (_, y) => (y < 50_000 ? 40 : 200));

    const { data } = resizeBicubic(halves, 3, 8);

    // The same filter in double precision; 22-bit weights of 50 000 taps may be off by a level.
    const exact = [40, 40, 37.917, 52.917, 187.083, 202.083, 200, 200];
    for (const [y, level] of exact.entries()) expect(Math.abs(data[y * 9]! - level)).toBeLessThanOrEqual(1);
  });

  it("names both sizes when the pixels do not fit them", () => {
    expect(() => resizeBicubic({ width: 2, height: 2, data: new Uint8Array(16) }, 4, 4)).toThrow(
      "rgbImage: expected 12 bytes for 2×2 RGB, got 16 bytes",
    );
  });

  it.each([
    [0, 4],
    [4, -1],
    [1.5, 4],
    [Number.NaN, 4],
  ])("refuses the target size %s × %s", (width, height) => {
    expect(() =>
      resizeBicubic(
        grey(2, 2, () => 0),
        width,
        height,
      ),
    ).toThrow(/positive whole width and height/);
  });
});
