import { describe, expect, it } from "vitest";
import { normalizePixels } from "./normalize.ts";

const half = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
const allLevels = Uint8Array.from({ length: 3 * 16 * 16 }, (_, index) => index % 256);

describe("normalizePixels", () => {
  it("equals (u / 255 − 0.5) / 0.5 in float32 for every level", () => {
    const { shape, data } = normalizePixels(allLevels, 16, half);

    expect(shape).toEqual([1, 3, 16, 16]);
    const { fround } = Math;
    expect([...data.subarray(0, 256)]).toEqual(
      Array.from({ length: 256 }, (_, level) => fround(fround(fround(level / 255) - 0.5) / 0.5)),
    );
    expect([data[0], data[255]]).toEqual([-1, 1]);
  });

  it("uses each channel's own mean and std", () => {
    const pixels = Uint8Array.of(0, 0, 0, 255, 255, 255);

    const { data } = normalizePixels(pixels, 1, { mean: [0, 0.5, 1], std: [1, 0.5, 0.25] });

    expect([...data]).toEqual([0, -1, -4, 1, 1, 0]);
  });

  it("matches CLIP's statistics to float32 accuracy", () => {
    const mean = [0.48145466, 0.4578275, 0.40821073];
    const std = [0.26862954, 0.26130258, 0.27577711];

    const { data } = normalizePixels(allLevels, 16, { mean, std });

    for (const [index, value] of data.entries()) {
      const channel = Math.floor(index / 256);
      expect(Math.abs(value - ((index % 256) / 255 - mean[channel]!) / std[channel]!)).toBeLessThan(3e-7);
    }
  });

  it("refuses pixels that are no whole number of crops", () => {
    expect(() => normalizePixels(new Uint8Array(13), 2, half)).toThrow("expected 12 elements");
  });

  it.each([
    ["mean", { ...half, mean: [0.5] }],
    ["mean", { ...half, mean: [0.5, 0.5, Number.NaN] }],
    ["std", { ...half, std: [0.5, 0, 0.5] }],
    ["std", { mean: half.mean, std: undefined as unknown as number[] }],
  ])("refuses a wrong %s", (name, statistics) => {
    expect(() => normalizePixels(new Uint8Array(3), 1, statistics)).toThrow(`image ${name}: expected three`);
  });
});
