import { describe, expect, it } from "vitest";
import { cmykToRgb } from "./cmyk.ts";

describe("cmykToRgb", () => {
  it("leaves paper white, full black black and single inks pure", () => {
    const inks = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0, 255, 0, 0, 0, 0, 255, 0, 255, 255, 255, 255);

    expect([...cmykToRgb(inks)]).toEqual([255, 255, 255, 0, 0, 0, 0, 255, 255, 255, 0, 255, 255, 255, 0, 0, 0, 0]);
  });

  it("rounds (255 − K)(255 − C) / 255 for every pair of levels", () => {
    for (let black = 0; black < 256; black++) {
      const inks = Uint8Array.from({ length: 256 * 4 }, (_, index) => (index % 4 === 3 ? black : index >> 2));
      const light = 255 - black;
      const expected = Array.from({ length: 256 }, (_, ink) => light - Math.round((ink * light) / 255));
      expect([...cmykToRgb(inks)]).toEqual(expected.flatMap((level) => [level, level, level]));
    }
  });
});
