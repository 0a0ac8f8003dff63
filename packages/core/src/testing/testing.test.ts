import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openModelFolder, readJson } from "../session/index-node.ts";
import { float32 } from "../tensor/index.ts";
import { createTokenizer } from "../text/index.ts";
import { maxRelativeError, randomParameters, tinyConfig } from "./index.ts";
import { writeTinyModel } from "./write-tiny-model-node.ts";

describe("maxRelativeError", () => {
  it("measures against the largest expected value", () => {
    expect(maxRelativeError(float32([3], [1, 2, 4.5]), float32([3], [1, 2, 4]))).toBe(0.125);
  });

  it.each([
    ["equal tensors", [1, Number.NaN, Number.NEGATIVE_INFINITY], [1, Number.NaN, Number.NEGATIVE_INFINITY], 0],
    ["zeros of either sign", [-0], [0], 0],
    ["NaN where a number should be", [Number.NaN], [1], Number.POSITIVE_INFINITY],
    ["a number where NaN should be", [1], [Number.NaN], Number.POSITIVE_INFINITY],
    ["anything where all should be 0", [1e-9], [0], Number.POSITIVE_INFINITY],
  ])("for %s", (_case, actual, expected, error) => {
    expect(maxRelativeError(float32([actual.length], actual), float32([expected.length], expected))).toBe(error);
  });

  it("refuses tensors of different shapes", () => {
    expect(() => maxRelativeError(float32([2], [1, 2]), float32([1, 2], [1, 2]))).toThrow("expected [1, 2], got [2]");
  });
});

describe("randomParameters", () => {
  it("gives the same values for the same seed, others for another", () => {
    const config = tinyConfig();

    expect(randomParameters(config, 1)).toEqual(randomParameters(config, 1));
    expect(randomParameters(config, 1)).not.toEqual(randomParameters(config, 2));
  });

  it("leaves no bias at 0 and no norm at 1", () => {
    const vectors = [...randomParameters(tinyConfig())].filter(([, { shape }]) => shape.length === 1);

    expect(vectors.length).toBeGreaterThan(20);
    expect(vectors.filter(([, { data }]) => data.every((value) => value === 0 || value === 1))).toEqual([]);
  });
});

describe("writeTinyModel", () => {
  it.each([
    { language: "phi", tower: "siglip" },
    { language: "llama", tower: "clip" },
  ] as const)("writes a folder that passes every check of a model folder: %o", async (options) => {
    const folder = await mkdtemp(join(tmpdir(), "tiny-"));
    try {
      await writeTinyModel(folder, options);

      const { config, weights } = await openModelFolder(folder);
      const [json, settings] = await Promise.all(
        ["tokenizer.json", "tokenizer_config.json"].map((name) => readJson(join(folder, name))),
      );
      const tokenizer = createTokenizer(json, settings);
      const ids = tokenizer.encode("What is in the picture?");
      await weights.close();
      expect(config).toEqual(tinyConfig(options));
      expect(Math.max(...ids)).toBeLessThan(config.language.vocabularySize);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
