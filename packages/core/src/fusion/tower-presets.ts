import type { VisionConfigJson } from "./vision-schema.ts";

/** The three towers of FUSION by a part of their hub name, in the form of their own config.json. */
const towers: Readonly<Record<string, VisionConfigJson>> = {
  "siglip-so400m-patch14-384": {
    hidden_size: 1152,
    intermediate_size: 4304,
    num_hidden_layers: 27,
    num_attention_heads: 16,
    patch_size: 14,
    image_size: 384,
  },
  "siglip2-giant-opt-patch16-384": {
    hidden_size: 1536,
    intermediate_size: 6144,
    num_hidden_layers: 40,
    num_attention_heads: 16,
    patch_size: 16,
    image_size: 384,
  },
  "clip-vit-large-patch14-336": {
    hidden_size: 1024,
    intermediate_size: 4096,
    num_hidden_layers: 24,
    num_attention_heads: 16,
    patch_size: 14,
    image_size: 336,
  },
};

/** The tower whose name occurs in a hub name or path, such as `google/siglip-so400m-patch14-384`. */
export function towerPreset(name: string): VisionConfigJson | undefined {
  const key = Object.keys(towers).find((known) => name.toLowerCase().includes(known));
  return key === undefined ? undefined : towers[key];
}
