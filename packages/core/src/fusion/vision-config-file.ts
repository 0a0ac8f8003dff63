import type { Activation } from "../nn/index.ts";
import type { TowerKind, VisionConfig } from "./config.ts";
import { configError, divisible, validate } from "./config-error.ts";
import { limits } from "./config-limits.ts";
import { towerPreset } from "./tower-presets.ts";
import { visionSchema } from "./vision-schema.ts";

const activations: Readonly<Record<string, Activation>> = {
  gelu_pytorch_tanh: "gelu_tanh",
  gelu: "gelu",
  quick_gelu: "quick_gelu",
};

/** What a tower's config.json may leave out. */
const defaults = {
  siglip: { normEpsilon: 1e-6, activation: "gelu_tanh", mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  clip: {
    normEpsilon: 1e-5,
    activation: "quick_gelu",
    mean: [0.48145466, 0.4578275, 0.40821073],
    std: [0.26862954, 0.26130258, 0.27577711],
  },
} as const satisfies Record<string, Pick<VisionConfig, "normEpsilon" | "activation" | "mean" | "std">>;

/**
 * The tower's own configuration, or the preset of that name.
 *
 * @param name - `mm_vision_tower`; the kind of tower is read from it, as the reference does
 * @param vision - contents of vision_config.json, undefined when there is none
 * @param at - the folder, for messages
 * @throws CONFIG_INVALID
 */
export function parseVision(name: string, vision: unknown, at: string): VisionConfig {
  const preset = vision === undefined ? towerPreset(name) : undefined;
  if (vision === undefined && !preset) {
    const expected = "mm_vision_tower: a known tower, or a vision_config.json beside it";
    throw configError(`${at}/config.json`, expected, `"${name}"`);
  }
  const file = preset ? `${at}/config.json` : `${at}/vision_config.json`;
  const json = validate(visionSchema, preset ?? vision, file);
  divisible(file, "hidden_size", json.hidden_size, "num_attention_heads", json.num_attention_heads);
  const kind = towerKind(name);
  const classToken = kind === "clip";
  const usual = defaults[classToken ? "clip" : "siglip"];
  const grid = Math.floor(json.image_size / json.patch_size);
  if (grid < 1 || grid > limits.grid) {
    const expected = grid < 1 ? "image_size of at least one patch" : `image_size of at most ${limits.grid} patches`;
    throw configError(file, expected, `${json.image_size} with patches of ${json.patch_size}`);
  }
  const declared = json.num_hidden_layers;
  return {
    kind,
    hiddenSize: json.hidden_size,
    intermediateSize: json.intermediate_size,
    declaredLayers: declared,
    layers: declared - 1,
    // CLIP's h_23 is both the final state and the last of the late mean, so its halves count the states h_0 … h_23.
    half: Math.floor((classToken ? declared : declared - 1) / 2),
    heads: json.num_attention_heads,
    patchSize: json.patch_size,
    imageSize: json.image_size,
    grid,
    classToken,
    normEpsilon: json.layer_norm_eps ?? usual.normEpsilon,
    activation: json.hidden_act ? activations[json.hidden_act]! : usual.activation,
    mean: json.image_mean ?? usual.mean,
    std: json.image_std ?? usual.std,
  };
}

function towerKind(name: string): TowerKind {
  if (/siglip2/i.test(name)) return "siglip2";
  return /clip/i.test(name) && !/siglip/i.test(name) ? "clip" : "siglip";
}
