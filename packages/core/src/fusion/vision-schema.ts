import { z } from "zod";
import { count, limits, ratio } from "./config-limits.ts";

/** The keys of vision_config.json that FUSION reads, as they stand in the tower's own config.json. */
export const visionSchema = z.object({
  hidden_size: count(limits.width),
  intermediate_size: count(limits.innerWidth),
  num_hidden_layers: count(limits.layers).min(2),
  num_attention_heads: count(limits.heads),
  patch_size: count(limits.image),
  image_size: count(limits.image),
  layer_norm_eps: ratio.optional(),
  hidden_act: z.enum(["gelu_pytorch_tanh", "gelu", "quick_gelu"]).optional(),
  image_mean: z.tuple([z.number(), z.number(), z.number()]).optional(),
  image_std: z.tuple([ratio, ratio, ratio]).optional(),
});

export type VisionConfigJson = z.input<typeof visionSchema>;
