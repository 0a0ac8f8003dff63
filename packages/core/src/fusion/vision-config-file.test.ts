import { describe, expect, it } from "vitest";
import { FusionError } from "../errors/index.ts";
import { tinyModelFiles } from "../testing/index.ts";
import { parseConfig } from "./config-file.ts";

describe("towers by name", () => {
  // FUSION.md 1: layers that are kept, states in each mean, patches per side.
  it.each([
    [
      "google/siglip-so400m-patch14-384",
      { kind: "siglip", hiddenSize: 1152, intermediateSize: 4304, layers: 26, half: 13, grid: 27, heads: 16 },
    ],
    [
      "google/siglip2-giant-opt-patch16-384",
      { kind: "siglip2", hiddenSize: 1536, intermediateSize: 6144, layers: 39, half: 19, grid: 24, heads: 16 },
    ],
    [
      "openai/clip-vit-large-patch14-336",
      {
        kind: "clip",
        hiddenSize: 1024,
        intermediateSize: 4096,
        layers: 23,
        half: 12,
        grid: 24,
        heads: 16,
        classToken: true,
        normEpsilon: 1e-5,
        activation: "quick_gelu",
        mean: [0.48145466, 0.4578275, 0.40821073],
        std: [0.26862954, 0.26130258, 0.27577711],
      },
    ],
  ])("%s", (mm_vision_tower, expected) => {
    const { config } = tinyModelFiles({ config: { mm_vision_tower } });

    expect(parseConfig(config, undefined, "model").vision).toMatchObject(expected);
  });
});

describe("CONFIG_INVALID", () => {
  it.each<[string, Record<string, unknown>, string]>([
    ["one layer, which is dropped", { num_hidden_layers: 1 }, "model/vision_config.json: num_hidden_layers: "],
    [
      "heads that do not divide the width",
      { num_attention_heads: 3 },
      "expected hidden_size divisible by num_attention_heads, got 16 and 3",
    ],
    [
      "an image smaller than a patch",
      { image_size: 3 },
      "expected image_size of at least one patch, got 3 with patches of 4",
    ],
    ["endless images", { image_size: 1e8 }, "model/vision_config.json: image_size: "],
    ["more patches than any tower", { image_size: 4000, patch_size: 4 }, "expected image_size of at most 256 patches"],
    ["endless layers", { num_hidden_layers: 1e6 }, "model/vision_config.json: num_hidden_layers: "],
    ["an unknown activation", { hidden_act: "relu" }, "model/vision_config.json: hidden_act: "],
    ["a deviation of 0", { image_std: [0, 1, 1] }, "model/vision_config.json: image_std.0: "],
  ])("in the tower: %s", (_case, change, message) => {
    const { config, vision } = tinyModelFiles();

    expect(refusal(config, { ...vision, ...change })).toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining(message),
    });
  });

  it("an unknown tower without a file of its own", () => {
    const { config } = tinyModelFiles();

    expect(refusal(config, undefined).message).toBe(
      'model/config.json: expected mm_vision_tower: a known tower, or a vision_config.json beside it, got "tiny-siglip2-patch4-16"',
    );
  });
});

function refusal(config: unknown, vision: unknown): FusionError {
  try {
    parseConfig(config, vision, "model");
  } catch (error) {
    if (FusionError.isInstance(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
