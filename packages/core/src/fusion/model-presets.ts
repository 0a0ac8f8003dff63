import { FusionError } from "../errors/index.ts";
import type { ConfigJson } from "./config-file.ts";
import type { VisionConfigJson } from "./vision-schema.ts";

/** A model by name: the contents of its two configuration files. */
export interface ModelPreset {
  readonly name: string;
  readonly summary: string;
  readonly config: ConfigJson;
  /** Absent for the official towers, which `mm_vision_tower` names. */
  readonly vision?: VisionConfigJson;
}

const released = {
  mm_projector_type: "mlp2x_gelu",
  image_aspect_ratio: "static_hd",
  query_len: "4,16,36,64,144",
  window_size: 3,
  num_of_vision_sampler_layers: 10,
  start_of_vision_sampler_layers: 0,
  stride_of_vision_sampler_layers: 3,
  tokenizer_model_max_length: 4096,
} as const;

// Phi-3.5-mini-instruct and Llama-3.1-8B-Instruct; the vocabularies count FUSION's added tokens.
const phi = {
  ...released,
  model_type: "fusion_phi",
  vocab_size: 32013,
  hidden_size: 3072,
  intermediate_size: 8192,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  max_position_embeddings: 131072,
  original_max_position_embeddings: 4096,
} as const;

const llama = {
  ...released,
  model_type: "fusion_llama",
  vocab_size: 128258,
  hidden_size: 4096,
  intermediate_size: 14336,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  rms_norm_eps: 1e-5,
  rope_theta: 500000,
  max_position_embeddings: 131072,
  rope_scaling: {
    rope_type: "llama3",
    factor: 8,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 8192,
  },
} as const;

const siglip = "google/siglip-so400m-patch14-384";
const siglip2 = "google/siglip2-giant-opt-patch16-384";

const presets: readonly ModelPreset[] = [
  {
    name: "nano",
    summary: "3.4 M parameters, pictures of 64 pixels a side: trains on a laptop",
    config: {
      ...released,
      model_type: "fusion_phi",
      vocab_size: 1152,
      hidden_size: 160,
      intermediate_size: 432,
      num_hidden_layers: 5,
      num_attention_heads: 5,
      num_key_value_heads: 5,
      rope_theta: 10000,
      max_position_embeddings: 1024,
      initializer_range: 0.05,
      mm_vision_tower: "fusion-nano-siglip2-patch16-64",
      num_of_vision_sampler_layers: 2,
      stride_of_vision_sampler_layers: 2,
      query_len: "4,16",
      tokenizer_model_max_length: 1024,
      fusion_semantics: "paper",
    },
    vision: {
      hidden_size: 96,
      intermediate_size: 384,
      num_hidden_layers: 9,
      num_attention_heads: 4,
      patch_size: 16,
      image_size: 64,
    },
  },
  {
    name: "bench-1b",
    summary: "1.0 B parameters at random, for measuring: SigLIP-SO400M with a 0.6 B Llama",
    config: {
      ...released,
      model_type: "fusion_llama",
      vocab_size: 32000,
      hidden_size: 1536,
      intermediate_size: 4096,
      num_hidden_layers: 16,
      num_attention_heads: 16,
      num_key_value_heads: 4,
      rope_theta: 500000,
      max_position_embeddings: 4096,
      mm_vision_tower: siglip,
      num_of_vision_sampler_layers: 5,
    },
  },
  {
    name: "fusion-phi3.5-3b",
    summary: "FUSION-Phi3.5-3B: SigLIP-SO400M with Phi-3.5-mini",
    config: { ...phi, rope_scaling: phiLongrope(), mm_vision_tower: siglip },
  },
  {
    name: "fusion-x-phi3.5-3b",
    summary: "FUSION-X-Phi3.5-3B: SigLIP2-giant with Phi-3.5-mini",
    config: { ...phi, rope_scaling: phiLongrope(), mm_vision_tower: siglip2 },
  },
  {
    name: "fusion-llama3.1-8b",
    summary: "FUSION-LLaMA3.1-8B: SigLIP-SO400M with Llama-3.1-8B",
    config: { ...llama, mm_vision_tower: siglip },
  },
  {
    name: "fusion-x-llama3.1-8b",
    summary: "FUSION-X-LLaMA3.1-8B: SigLIP2-giant with Llama-3.1-8B",
    config: { ...llama, mm_vision_tower: siglip2 },
  },
];

/** Names of all presets, smallest model first. */
export const presetNames: readonly string[] = presets.map(({ name }) => name);

/** The preset of that name. Throws OPTION_INVALID listing the known ones. */
export function modelPreset(name: string): ModelPreset {
  const preset = presets.find((candidate) => candidate.name === name);
  if (preset) return preset;
  throw new FusionError({
    code: "OPTION_INVALID",
    at: "preset",
    expected: `one of ${presetNames.join(", ")}`,
    actual: `"${name}"`,
    hint: "Choose one of these, or give the path of a model folder.",
  });
}

/**
 * longrope factors of the shape that Phi-3.5-mini's have: short ones near 1, long ones growing towards 64.
 *
 * A checkpoint brings its own in config.json; these only make a random model behave alike.
 */
function phiLongrope() {
  const half = 48;
  const grow = (from: number, to: number) =>
    Array.from({ length: half }, (_, i) => Number((from * (to / from) ** (i / (half - 1))).toFixed(4)));
  return { type: "longrope", short_factor: grow(1, 2.8), long_factor: grow(1.08, 64) };
}
