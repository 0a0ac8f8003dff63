import { describe, expect, it } from "vitest";
import { FusionError } from "../errors/index.ts";
import { tinyModelFiles } from "../testing/index.ts";
import { defaultLatents, interactionPoints } from "./config.ts";
import { type ConfigJson, parseConfig } from "./config-file.ts";
import { modelPreset, presetNames } from "./model-presets.ts";

/** What an official FUSION-X-Phi checkpoint's config.json says, tiny; keys of the backbone that FUSION ignores included. */
const phiText = `{
  "architectures": ["FusionPhiForCausalLM"], "model_type": "fusion_phi", "torch_dtype": "float32",
  "vocab_size": 300, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 6,
  "num_attention_heads": 4, "num_key_value_heads": 4, "hidden_act": "silu", "resid_pdrop": 0.0,
  "max_position_embeddings": 4096, "original_max_position_embeddings": 4096, "rms_norm_eps": 1e-05,
  "rope_theta": 10000.0, "rope_scaling": null, "sliding_window": null, "tie_word_embeddings": false,
  "mm_hidden_size": 32, "mm_projector_type": "mlp2x_gelu", "query_len": "16", "window_size": 3,
  "num_of_vision_sampler_layers": 3, "start_of_vision_sampler_layers": 0, "stride_of_vision_sampler_layers": 2,
  "unfreeze_mm_vision_tower": true, "tokenizer_model_max_length": 4096, "tokenizer_padding_side": "right",
  "image_aspect_ratio": "static_hd", "mm_use_im_start_end": true, "mm_vision_select_layer": -2,
  "mm_vision_tower": "siglip2-tiny-patch16-384"
}`;
const phiVision = `{
  "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 40, "num_attention_heads": 2, "num_channels": 3,
  "patch_size": 16, "image_size": 384, "layer_norm_eps": 1e-06, "hidden_act": "gelu_pytorch_tanh",
  "image_mean": [0.5, 0.5, 0.5], "model_type": "siglip_vision_model"
}`;

describe("parseConfig", () => {
  it("reads a Phi model with a SigLIP2 tower", () => {
    expect(parseConfig(JSON.parse(phiText), JSON.parse(phiVision), "model")).toEqual({
      modelType: "fusion_phi",
      semantics: "released",
      template: "phi_3",
      language: {
        hiddenSize: 64,
        intermediateSize: 128,
        layers: 6,
        heads: 4,
        keyValueHeads: 4,
        headDim: 16,
        vocabularySize: 300,
        normEpsilon: 1e-5,
        ropeTheta: 10000,
        ropeScaling: { type: "plain" },
        maxPositions: 4096,
        fusedProjections: true,
        tiedEmbeddings: false,
      },
      vision: {
        kind: "siglip2",
        hiddenSize: 32,
        intermediateSize: 64,
        declaredLayers: 40,
        layers: 39,
        half: 19,
        heads: 2,
        patchSize: 16,
        imageSize: 384,
        grid: 24,
        classToken: false,
        normEpsilon: 1e-6,
        activation: "gelu_tanh",
        mean: [0.5, 0.5, 0.5],
        std: [0.5, 0.5, 0.5],
      },
      visionTower: "siglip2-tiny-patch16-384",
      interaction: { layers: 3, start: 0, stride: 2, window: 3, heads: 16 },
      latentCounts: [16],
      imageGrid: 24,
      mappingWeight: 0.1,
      maxLength: 4096,
    });
  });

  it("reads a Llama model: grouped queries, llama3 rope, its template", () => {
    const config = {
      ...JSON.parse(phiText),
      model_type: "fusion_llama",
      num_key_value_heads: 2,
      head_dim: 24,
      rope_theta: 500000,
      rope_scaling: {
        rope_type: "llama3",
        factor: 8,
        low_freq_factor: 1,
        high_freq_factor: 4,
        original_max_position_embeddings: 8192,
      },
    };

    const { language, template } = parseConfig(config, JSON.parse(phiVision), "model");

    expect(template).toBe("llama_3");
    expect(language).toMatchObject({ heads: 4, keyValueHeads: 2, headDim: 24, fusedProjections: false });
    expect(language.ropeScaling).toEqual({
      type: "llama3",
      factor: 8,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalMaxPositionEmbeddings: 8192,
    });
  });

  it.each(["longrope", "su"])("reads Phi-3.5's rope scaling under its name %s", (type) => {
    const rope_scaling = { type, short_factor: [1, 2], long_factor: [3, 4] };
    const change: Partial<ConfigJson> = {
      rope_scaling,
      num_attention_heads: 8,
      num_key_value_heads: 8,
      max_position_embeddings: 2048,
      original_max_position_embeddings: 64,
    };
    const { config, vision } = tinyModelFiles({ config: change });

    expect(parseConfig(config, vision, "model").language.ropeScaling).toEqual({
      type: "longrope",
      shortFactor: [1, 2],
      longFactor: [3, 4],
      originalMaxPositionEmbeddings: 64,
      maxPositionEmbeddings: 2048,
    });
  });

  it("takes FUSION's own keys", () => {
    const change: Partial<ConfigJson> = {
      fusion_semantics: "paper",
      fusion_template: "vicuna_v1",
      fusion_image_tokens: 4,
      fusion_mapping_weight: 0,
      query_len: "4, 64,144",
    };
    const { config, vision } = tinyModelFiles({ config: change });

    expect(parseConfig(config, vision, "model")).toMatchObject({
      semantics: "paper",
      template: "vicuna_v1",
      imageGrid: 2,
      mappingWeight: 0,
      latentCounts: [4, 64, 144],
    });
  });
});

describe("keys that would change the model", () => {
  it.each<Record<string, unknown>>([
    { sliding_window: 256 },
    { sliding_window: null, partial_rotary_factor: 1, attention_bias: false, mlp_bias: null },
    { mm_use_im_start_end: true, mm_hidden_size: 16 },
    { rope_scaling: { type: "default", attention_factor: null } },
  ])("are accepted where they change nothing: %j", (change) => {
    const { config, vision } = tinyModelFiles();

    expect(parseConfig({ ...config, ...change }, vision, "model")).toEqual(parseConfig(config, vision, "model"));
  });
});

describe.each(presetNames)("preset %s", (name) => {
  it("is within the limits", () => {
    const { config, vision } = modelPreset(name);

    expect(() => parseConfig(config, vision, name)).not.toThrow();
  });
});

describe("CONFIG_INVALID", () => {
  const longrope = { type: "longrope", short_factor: [1, 1, 1, 1], long_factor: [1, 1, 1, 1] };
  const llama3 = {
    rope_type: "llama3",
    factor: 8,
    low_freq_factor: 4,
    high_freq_factor: 4,
    original_max_position_embeddings: 8,
  };

  it.each<[string, Record<string, unknown>, string]>([
    ["another family", { model_type: "llava" }, "model/config.json: model_type: "],
    ["a wrong type", { hidden_size: "64" }, "model/config.json: hidden_size: "],
    ["a size of 0", { window_size: 0 }, "model/config.json: window_size: "],
    ["a fraction", { num_hidden_layers: 2.5 }, "model/config.json: num_hidden_layers: "],
    ["another projector", { mm_projector_type: "linear" }, "model/config.json: mm_projector_type: "],
    ["another image preparation", { image_aspect_ratio: "anyres" }, "model/config.json: image_aspect_ratio: "],
    ["an activation that is not built", { hidden_act: "gelu" }, "model/config.json: hidden_act: "],
    ["unknown semantics", { fusion_semantics: "other" }, "model/config.json: fusion_semantics: "],
    ["image tokens without a square grid", { fusion_image_tokens: 5 }, "fusion_image_tokens: must be a square number"],
    [
      "latents that are no square",
      { query_len: "4,5" },
      'expected query_len: square numbers separated by commas, got "4,5"',
    ],
    ["latents that are no list", { query_len: "4,,16" }, 'got "4,,16"'],
    [
      "heads that do not divide the width",
      { num_attention_heads: 5, num_key_value_heads: 5 },
      "expected hidden_size divisible by num_attention_heads, got 32 and 5",
    ],
    [
      "groups that do not divide the heads",
      { num_key_value_heads: 3 },
      "expected num_attention_heads divisible by num_key_value_heads, got 4 and 3",
    ],
    ["an odd head", { head_dim: 7 }, "expected head_dim divisible by 2 (rotary halves), got 7 and 2"],
    [
      "interaction heads that do not divide the width",
      { fusion_interaction_heads: 5 },
      "expected hidden_size divisible by fusion_interaction_heads, got 32 and 5",
    ],
    [
      "interaction layers past the decoder",
      { num_of_vision_sampler_layers: 3 },
      "expected num_of_vision_sampler_layers that fit 3 decoder layers, got the last of 3 after layer 4, counted from 0",
    ],
    [
      "longrope without an original length",
      { rope_scaling: longrope },
      "original_max_position_embeddings, got 4 and 4 factors, original length undefined",
    ],
    [
      "longrope with too few factors",
      { rope_scaling: { ...longrope, long_factor: [1] }, original_max_position_embeddings: 8 },
      "longrope with 4 short and long factors",
    ],
    ["llama3 with equal bounds", { rope_scaling: llama3 }, "llama3 with factor, low_freq_factor < high_freq_factor"],
    [
      "unknown rope scaling",
      { rope_scaling: { type: "yarn" } },
      'expected rope_scaling of type longrope, llama3 or none, got "yarn"',
    ],
    ["a million layers", { num_hidden_layers: 1e6 }, "model/config.json: num_hidden_layers: "],
    ["endless heads", { head_dim: 1e10 }, "model/config.json: head_dim: "],
    ["a window wider than any map", { window_size: 100_000 }, "model/config.json: window_size: "],
    [
      "latents and a window that are too much together",
      { query_len: "40000", window_size: 3 },
      "expected query_len and window_size with √Q · w of at most 512",
    ],
    ["endless latents", { query_len: 1e12 }, "expected query_len and window_size with √Q · w of at most 512"],
    ["endless image tokens", { fusion_image_tokens: 1e12 }, "model/config.json: fusion_image_tokens: "],
    [
      "image tokens past the context",
      { fusion_image_tokens: 256 },
      "model/config.json: expected fusion_image_tokens below 240: a context of 256 and 16 latents, got 256",
    ],
    ["windowed attention", { sliding_window: 255 }, "expected sliding_window of null or at least 256"],
    ["heads rotated in part", { partial_rotary_factor: 0.75 }, "model/config.json: partial_rotary_factor: "],
    ["biased attention", { attention_bias: true }, "model/config.json: attention_bias: "],
    ["a biased MLP", { mlp_bias: true }, "model/config.json: mlp_bias: "],
    ["slots without tokens around them", { mm_use_im_start_end: false }, "model/config.json: mm_use_im_start_end: "],
    ["another tower's width", { mm_hidden_size: 32 }, "expected mm_hidden_size 16, the tower's width, got 32"],
    ["a factor of longrope's own", { rope_scaling: { ...longrope, attention_factor: 1.2 } }, "attention_factor: "],
    ["longrope with mscales", { rope_scaling: { ...longrope, short_mscale: 1.2 } }, "rope_scaling.short_mscale: "],
  ])("%s", (_case, change, message) => {
    const { config, vision } = tinyModelFiles();

    expect(refusal({ ...config, ...change }, vision)).toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining(message),
    });
  });

  it("names every wrong key at once", () => {
    const { config, vision } = tinyModelFiles();
    const error = refusal({ ...config, hidden_size: -1, vocab_size: null, rope_theta: "x" }, vision);

    expect(error.details.problems).toHaveLength(3);
    for (const key of ["hidden_size", "vocab_size", "rope_theta"]) expect(error.message).toContain(`${key}: `);
  });

  it.each([[[]], ["text"], [null]])("a file that holds %j", (contents) => {
    expect(refusal(contents, undefined).message).toContain("model/config.json: the file: ");
  });
});

describe("what follows from a configuration", () => {
  it("interaction layers stand after start, start + stride, …", () => {
    const { config, vision } = tinyModelFiles({ config: { num_hidden_layers: 32, start_of_vision_sampler_layers: 1 } });
    const stride = { num_of_vision_sampler_layers: 10, stride_of_vision_sampler_layers: 3 };

    expect(interactionPoints(parseConfig({ ...config, ...stride }, vision, "model"))).toEqual([
      1, 4, 7, 10, 13, 16, 19, 22, 25, 28,
    ]);
    expect(interactionPoints(parseConfig({ ...config, num_of_vision_sampler_layers: 0 }, vision, "model"))).toEqual([]);
  });

  it.each([
    ["4,16,36,64,144", 64],
    ["4,16", 16],
    ["144,100", 100],
  ])("Q of %s is %i when nobody chooses", (query_len, latents) => {
    const { config, vision } = tinyModelFiles({ config: { query_len } });

    expect(defaultLatents(parseConfig(config, vision, "model"))).toBe(latents);
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
