import { expect, test } from "vitest";
import { loraOf, partNames, rulesOf } from "./train-rules.ts";

test("parts have the names of the paper, with dashes", () => {
  expect(partNames).toEqual([
    "vision-tower",
    "image-projector",
    "text-projector",
    "interaction-layers",
    "language-model",
    "embeddings",
  ]);
});

test("what is frozen counts before a rate of the same part; anything else is a pattern on checkpoint names", () => {
  expect(rulesOf({ freeze: ["vision-tower"], "part-rate": ["vision-tower=0.1", "model.layers.0.*=2e-1"] })).toEqual([
    { pattern: ["model.vision_tower.*"], frozen: true },
    { pattern: ["model.vision_tower.*"], learningRateScale: 0.1 },
    { pattern: "model.layers.0.*", learningRateScale: 0.2 },
  ]);
});

test.each(["vision-tower", "=0.1", "vision-tower=", "vision-tower=-1", "vision-tower=fast"])(
  "a rate of %j is told how it is written",
  (text) => {
    expect(() => rulesOf({ "part-rate": [text] })).toThrow(
      `--part-rate: expected PART=FACTOR, such as vision-tower=0.1, got ${text}`,
    );
  },
);

test("a rank makes adapters of the language model, with twice the rank as alpha", () => {
  expect(loraOf({ "lora-rank": 4, seed: 7 })).toEqual({
    rank: 4,
    alpha: 8,
    targets: ["model.layers.*.weight"],
    seed: 7,
  });
  expect(loraOf({})).toBeUndefined();
});

test("alpha and targets without a rank are a mistake", () => {
  expect(() => loraOf({ "lora-alpha": 8 })).toThrow("--lora-alpha: expected --lora-rank beside it, got none");
  expect(() => loraOf({ "lora-target": ["*"] })).toThrow("--lora-target: expected --lora-rank beside it, got none");
});
