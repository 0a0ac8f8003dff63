import { describe, expect, it } from "vitest";
import { fusionParameters, modelPart } from "../fusion/index.ts";
import { tinyConfig } from "../testing/index.ts";
import { nameMatcher } from "./name-pattern.ts";
import { partPatterns } from "./part-patterns.ts";

describe("partPatterns", () => {
  it.each([
    { language: "phi", tower: "siglip2" },
    { language: "llama", tower: "siglip" },
    { language: "phi", tower: "clip" },
    { language: "llama", tower: "clip", config: { tie_word_embeddings: true } },
  ] as const)("cover every parameter exactly once, and every part has some: %o", (options) => {
    const names = [...fusionParameters(tinyConfig(options)).keys()];
    const parts = Object.entries(partPatterns).map(([part, patterns]) => ({ part, matches: nameMatcher(patterns) }));

    expect(names.filter((name) => parts.filter(({ matches }) => matches(name)).length !== 1)).toEqual([]);
    expect(parts.filter(({ matches }) => !names.some(matches))).toEqual([]);
  });

  it("divide the model where its statistics do", () => {
    const told: Record<keyof typeof partPatterns, string> = {
      visionTower: "vision tower",
      imageProjector: "projectors",
      textProjector: "projectors",
      interactionLayers: "interaction layers",
      languageModel: "language model",
      embeddings: "embeddings",
    };
    for (const name of fusionParameters(tinyConfig()).keys()) {
      const [part] = Object.entries(partPatterns).find(([, patterns]) => nameMatcher(patterns)(name))!;
      expect(told[part as keyof typeof partPatterns], name).toBe(modelPart(name));
    }
  });
});
