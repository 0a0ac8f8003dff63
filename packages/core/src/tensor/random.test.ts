import { describe, expect, it } from "vitest";
import { FusionError } from "../errors/index.ts";
import { createNormal, createRandom, nextWord } from "./random.ts";

const draw = (next: () => number, count: number) => Array.from({ length: count }, next);

describe("nextWord", () => {
  it("is xoshiro128**", () => {
    const state = Uint32Array.of(1, 2, 3, 4);

    // the authors' C code, compiled, from the same state
    expect(draw(() => nextWord(state), 10)).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });
});

describe("createRandom", () => {
  it("repeats itself for the same seed and stream", () => {
    expect(draw(createRandom(7, "a"), 20)).toEqual(draw(createRandom(7, "a"), 20));
  });

  it.each<[string, () => number]>([
    ["another seed", createRandom(8, "a")],
    ["a seed that differs above 32 bits", createRandom(7 + 2 ** 32, "a")],
    ["another stream", createRandom(7, "b")],
    ["no stream", createRandom(7)],
  ])("differs for %s", (_what, other) => {
    const numbers = new Set(draw(createRandom(7, "a"), 100));

    expect(draw(other, 100).filter((value) => numbers.has(value))).toEqual([]);
  });

  it("gives numbers in [0, 1) that fill ten equal boxes evenly", () => {
    const boxes = new Array<number>(10).fill(0);
    for (const value of draw(createRandom(1), 100_000)) boxes[Math.floor(value * 10)]!++;

    const chiSquare = boxes.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(boxes).toHaveLength(10);
    expect(chiSquare).toBeLessThan(27.9); // 9 degrees of freedom: exceeded by one seed in a thousand
  });

  it("has first numbers of neighbouring seeds that are unrelated", () => {
    const firsts = Array.from({ length: 10_000 }, (_, seed) => createRandom(seed)());

    const mean = firsts.reduce((sum, value) => sum + value, 0) / firsts.length;
    const lagged = firsts.slice(1).reduce((sum, value, i) => sum + (value - 0.5) * (firsts[i]! - 0.5), 0) / 9999;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.0145); // 5 standard errors
    expect(Math.abs(lagged * 12)).toBeLessThan(0.05); // correlation, 5 standard errors
  });

  it.each([-1, 1.5, Number.NaN, 2 ** 53])("refuses the seed %d", (seed) => {
    let thrown: unknown;
    try {
      createRandom(seed);
    } catch (error) {
      thrown = error;
    }

    expect(FusionError.isInstance(thrown) && thrown.code).toBe("OPTION_INVALID");
  });
});

describe("createNormal", () => {
  it("has the moments of the normal distribution", () => {
    const values = draw(createNormal(1), 200_000);
    const moment = (power: number) => values.reduce((sum, value) => sum + value ** power, 0) / values.length;

    // five standard errors: sqrt(1, 2, 15, 96 / 200 000) times five
    expect(Math.abs(moment(1))).toBeLessThan(0.0112);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.0159);
    expect(Math.abs(moment(3))).toBeLessThan(0.0434);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.11);
  });

  it("has neighbours that are unrelated, although they come in pairs", () => {
    const values = draw(createNormal(2), 100_000);

    const product = values.slice(1).reduce((sum, value, i) => sum + value * values[i]!, 0) / values.length;
    expect(Math.abs(product)).toBeLessThan(0.0159); // five standard errors
  });
});
