import { z } from "zod";
import type { RopeScaling } from "../nn/index.ts";
import type { TemplateName } from "../text/index.ts";
import {
  defaultLatents,
  type FusionConfig,
  type InteractionConfig,
  type LanguageConfig,
  type Semantics,
} from "./config.ts";
import { configError, divisible, validate } from "./config-error.ts";
import { count, limits, onlyNeutral, ratio } from "./config-limits.ts";
import { quantizationSchema } from "./quantization.ts";
import { parseVision } from "./vision-config-file.ts";

const square = count(limits.grid ** 2).refine((value) => Number.isInteger(Math.sqrt(value)), "must be a square number");
const notScaled = onlyNeutral(z.never(), "is not supported: only the factor that follows from the lengths");
const noBias = onlyNeutral(z.literal(false), "is not supported: these layers have no bias");

const ropeScalingSchema = z
  .object({
    type: z.string().optional(),
    rope_type: z.string().optional(),
    factor: ratio.optional(),
    low_freq_factor: ratio.optional(),
    high_freq_factor: ratio.optional(),
    original_max_position_embeddings: count(limits.positions).optional(),
    short_factor: z.array(ratio).optional(),
    long_factor: z.array(ratio).optional(),
    attention_factor: notScaled,
    short_mscale: notScaled,
    long_mscale: notScaled,
  })
  .nullish();

/** The keys of config.json that FUSION reads, or that would change it; every other key is left alone. */
const configSchema = z.object({
  model_type: z.enum(["fusion_phi", "fusion_llama"]),
  vocab_size: count(limits.vocabulary),
  hidden_size: count(limits.width),
  intermediate_size: count(limits.innerWidth),
  num_hidden_layers: count(limits.layers),
  num_attention_heads: count(limits.heads),
  num_key_value_heads: count(limits.heads).optional(),
  head_dim: count(limits.headDim).nullish(),
  hidden_act: z.literal("silu").default("silu"),
  rms_norm_eps: ratio.default(1e-5),
  rope_theta: ratio.default(10000),
  rope_scaling: ropeScalingSchema,
  partial_rotary_factor: onlyNeutral(z.literal(1), "is not supported: all of a head is rotated"),
  max_position_embeddings: count(limits.positions).default(4096),
  original_max_position_embeddings: count(limits.positions).optional(),
  sliding_window: z.number().int().positive().nullish(),
  attention_bias: noBias,
  mlp_bias: noBias,
  tie_word_embeddings: z.boolean().default(false),
  initializer_range: ratio.default(0.02),
  mm_vision_tower: z.string().min(1),
  mm_hidden_size: count(limits.width).nullish(),
  mm_projector_type: z.literal("mlp2x_gelu").default("mlp2x_gelu"),
  mm_use_im_start_end: onlyNeutral(z.literal(true), "is not supported: the templates put tokens around each slot"),
  image_aspect_ratio: z.literal("static_hd").default("static_hd"),
  query_len: z.union([z.string().max(1000), z.number().int().positive()]).default("4,16,36,64,144"),
  window_size: count(limits.windowedSide).default(3),
  num_of_vision_sampler_layers: z.number().int().min(0).max(limits.layers).default(10),
  start_of_vision_sampler_layers: z.number().int().min(0).max(limits.layers).default(0),
  stride_of_vision_sampler_layers: count(limits.layers).default(3),
  tokenizer_model_max_length: count(limits.positions).default(4096),
  fusion_semantics: z.enum(["released", "paper"]).default("released"),
  fusion_template: z.enum(["phi_3", "llama_3", "vicuna_v1"]).optional(),
  fusion_interaction_heads: count(limits.heads).default(16),
  fusion_image_tokens: square.optional(),
  quantization_config: quantizationSchema.nullish(),
  fusion_mapping_weight: z.number().min(0).default(0.1),
});

export type ConfigJson = z.input<typeof configSchema>;

/**
 * The configuration of a model folder.
 *
 * @param config - contents of config.json
 * @param vision - contents of vision_config.json; absent: the preset that `mm_vision_tower` names
 * @param at - the folder, for messages
 * @throws CONFIG_INVALID naming every wrong key at once
 */
export function parseConfig(config: unknown, vision: unknown, at: string): FusionConfig {
  const file = `${at}/config.json`;
  const json = validate(configSchema, config, file);
  const tower = parseVision(json.mm_vision_tower, vision, at);
  if (json.mm_hidden_size && json.mm_hidden_size !== tower.hiddenSize) {
    throw configError(file, `mm_hidden_size ${tower.hiddenSize}, the tower's width`, String(json.mm_hidden_size));
  }
  const language = languageConfig(json, file);
  const model: FusionConfig = {
    modelType: json.model_type,
    semantics: json.fusion_semantics as Semantics,
    template: json.fusion_template ?? defaultTemplate(json.model_type),
    language,
    vision: tower,
    visionTower: json.mm_vision_tower,
    interaction: interactionConfig(json, language, file),
    latentCounts: latentCounts(String(json.query_len), json.window_size, file),
    imageGrid: json.fusion_image_tokens === undefined ? tower.grid : Math.sqrt(json.fusion_image_tokens),
    mappingWeight: json.fusion_mapping_weight,
    maxLength: json.tokenizer_model_max_length,
    ...(json.quantization_config && { quantization: json.quantization_config }),
  };
  requireContext(json, model, file);
  return model;
}

/** What this file alone settles about the context; the grid of the tower may still be replaced by an option. */
function requireContext(json: z.output<typeof configSchema>, model: FusionConfig, at: string): void {
  const context = Math.min(model.maxLength, model.language.maxPositions);
  const { sliding_window: window, fusion_image_tokens: imageTokens } = json;
  if (window && window < context) {
    const expected = `sliding_window of null or at least ${context}, the model's context: attention is never windowed`;
    throw configError(at, expected, String(window));
  }
  const latents = defaultLatents(model);
  if (imageTokens && imageTokens + latents >= context) {
    const expected = `fusion_image_tokens below ${context - latents}: a context of ${context} and ${latents} latents`;
    throw configError(at, expected, String(imageTokens));
  }
}

/** Every interaction layer must follow a decoder layer that exists: one that never runs would be a mistake unseen. */
function interactionConfig(
  json: z.output<typeof configSchema>,
  language: LanguageConfig,
  at: string,
): InteractionConfig {
  const interaction: InteractionConfig = {
    layers: json.num_of_vision_sampler_layers,
    start: json.start_of_vision_sampler_layers,
    stride: json.stride_of_vision_sampler_layers,
    window: json.window_size,
    heads: json.fusion_interaction_heads,
  };
  divisible(at, "hidden_size", language.hiddenSize, "fusion_interaction_heads", interaction.heads);
  const last = interaction.start + (interaction.layers - 1) * interaction.stride;
  if (interaction.layers > 0 && last >= language.layers) {
    const expected = `num_of_vision_sampler_layers that fit ${language.layers} decoder layers`;
    throw configError(at, expected, `the last of ${interaction.layers} after layer ${last}, counted from 0`);
  }
  return interaction;
}

function defaultTemplate(modelType: FusionConfig["modelType"]): TemplateName {
  return modelType === "fusion_phi" ? "phi_3" : "llama_3";
}

function languageConfig(json: z.output<typeof configSchema>, at: string): LanguageConfig {
  const keyValueHeads = json.num_key_value_heads ?? json.num_attention_heads;
  if (!json.head_dim) divisible(at, "hidden_size", json.hidden_size, "num_attention_heads", json.num_attention_heads);
  divisible(at, "num_attention_heads", json.num_attention_heads, "num_key_value_heads", keyValueHeads);
  const headDim = json.head_dim ?? json.hidden_size / json.num_attention_heads;
  divisible(at, "head_dim", headDim, "2 (rotary halves)", 2);
  return {
    hiddenSize: json.hidden_size,
    intermediateSize: json.intermediate_size,
    layers: json.num_hidden_layers,
    heads: json.num_attention_heads,
    keyValueHeads,
    headDim,
    vocabularySize: json.vocab_size,
    normEpsilon: json.rms_norm_eps,
    ropeTheta: json.rope_theta,
    ropeScaling: ropeScaling(json, headDim, at),
    maxPositions: json.max_position_embeddings,
    fusedProjections: json.model_type === "fusion_phi",
    tiedEmbeddings: json.tie_word_embeddings,
  };
}

function ropeScaling(json: z.output<typeof configSchema>, headDim: number, at: string): RopeScaling {
  const scaling = json.rope_scaling;
  const type = scaling?.rope_type ?? scaling?.type;
  if (!scaling || !type || type === "default") return { type: "plain" };
  if (type === "longrope" || type === "su") {
    const { short_factor: shortFactor, long_factor: longFactor } = scaling;
    const original = json.original_max_position_embeddings ?? scaling.original_max_position_embeddings;
    if (shortFactor?.length !== headDim / 2 || longFactor?.length !== headDim / 2 || !original) {
      const actual = `${shortFactor?.length ?? 0} and ${longFactor?.length ?? 0} factors, original length ${original}`;
      throw configError(
        at,
        `rope_scaling: longrope with ${headDim / 2} short and long factors and original_max_position_embeddings`,
        actual,
      );
    }
    return {
      type: "longrope",
      shortFactor,
      longFactor,
      originalMaxPositionEmbeddings: original,
      maxPositionEmbeddings: json.max_position_embeddings,
    };
  }
  if (type === "llama3") {
    const { factor, low_freq_factor: low, high_freq_factor: high } = scaling;
    const original = scaling.original_max_position_embeddings;
    if (!factor || !low || !high || !original || high <= low) {
      throw configError(
        at,
        "rope_scaling: llama3 with factor, low_freq_factor < high_freq_factor and original_max_position_embeddings",
        JSON.stringify(scaling),
      );
    }
    return {
      type: "llama3",
      factor,
      lowFreqFactor: low,
      highFreqFactor: high,
      originalMaxPositionEmbeddings: original,
    };
  }
  throw configError(at, "rope_scaling of type longrope, llama3 or none", `"${type}"`);
}

function latentCounts(text: string, window: number, at: string): number[] {
  const counts = text.split(",").map(Number);
  const isSquare = (value: number) => Number.isInteger(value) && value > 0 && Number.isInteger(Math.sqrt(value));
  if (!counts.every(isSquare)) {
    throw configError(at, "query_len: square numbers separated by commas", `"${text}"`);
  }
  const side = Math.sqrt(counts.reduce((most, value) => Math.max(most, value), 0)) * window;
  if (side > limits.windowedSide) {
    const expected = `query_len and window_size with √Q · w of at most ${limits.windowedSide}`;
    throw configError(at, expected, `"${text}" and ${window}`);
  }
  return counts;
}
