import { type ConfigJson, type FusionConfig, parseConfig, type VisionConfigJson } from "../fusion/index.ts";

/** Which of the model's variants a tiny model has; every key of both files can be overridden. */
export interface TinyModelOptions {
  /** `phi`: fused projections, plain rope. `llama`: grouped queries. `phi` when absent. */
  readonly language?: "phi" | "llama";
  /** `siglip2` when absent. */
  readonly tower?: "siglip" | "siglip2" | "clip";
  /** `paper` when absent, where padding changes nothing. */
  readonly semantics?: "released" | "paper";
  /** Keys of config.json that differ. */
  readonly config?: Partial<ConfigJson>;
  /** Keys of vision_config.json that differ. */
  readonly vision?: Partial<VisionConfigJson>;
}

/** Declared layers: SigLIP keeps an even number of them, SigLIP2 an odd one, CLIP has an even number of states. */
const towers = {
  // Two pixels are left over on each side, as 384 = 27·14 + 6 leaves six.
  siglip: { mm_vision_tower: "tiny-siglip-patch4-18", num_hidden_layers: 5, image_size: 18 },
  siglip2: { mm_vision_tower: "tiny-siglip2-patch4-16", num_hidden_layers: 6, image_size: 16 },
  clip: { mm_vision_tower: "tiny-clip-patch4-16", num_hidden_layers: 6, image_size: 16 },
};

/**
 * The contents of config.json and vision_config.json of a model that runs in milliseconds.
 *
 * 16 image tokens on a 4×4 grid, a global context of 8×8, Q of 4 or 16, three decoder layers of width 32 with
 * interaction layers after the first and the last.
 */
export function tinyModelFiles(options: TinyModelOptions = {}): { config: ConfigJson; vision: VisionConfigJson } {
  const { language = "phi", tower = "siglip2", semantics = "paper" } = options;
  const { mm_vision_tower, num_hidden_layers, image_size } = towers[tower];
  return {
    config: {
      model_type: language === "phi" ? "fusion_phi" : "fusion_llama",
      vocab_size: 320,
      hidden_size: 32,
      intermediate_size: 48,
      num_hidden_layers: 3,
      num_attention_heads: 4,
      num_key_value_heads: language === "phi" ? 4 : 2,
      max_position_embeddings: 256,
      mm_vision_tower,
      query_len: "4,16",
      window_size: 3,
      num_of_vision_sampler_layers: 2,
      start_of_vision_sampler_layers: 0,
      stride_of_vision_sampler_layers: 2,
      tokenizer_model_max_length: 256,
      fusion_semantics: semantics,
      fusion_interaction_heads: 4,
      ...options.config,
    },
    vision: {
      hidden_size: 16,
      intermediate_size: 24,
      num_hidden_layers,
      num_attention_heads: 2,
      patch_size: 4,
      image_size,
      ...options.vision,
    },
  };
}

/** The parsed configuration of {@link tinyModelFiles}. Throws CONFIG_INVALID for keys that do not fit together. */
export function tinyConfig(options: TinyModelOptions = {}): FusionConfig {
  const { config, vision } = tinyModelFiles(options);
  return parseConfig(config, vision, "tiny");
}
