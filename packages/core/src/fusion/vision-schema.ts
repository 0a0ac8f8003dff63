import { z } from "zod";

const count = z.number().int().positive();
const ratio = z.number().positive();

/** The keys of vision_config.json that FUSION reads, as they stand in the tower's own config.json. */
export const visionSchema = z.object({
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count.min(2),
  num_attention_heads: count,
  patch_size: count,
  image_size: count,
  layer_norm_eps: ratio.optional(),
  hidden_act: z.enum(["gelu_pytorch_tanh", "gelu", "quick_gelu"]).optional(),
  image_mean: z.tuple([z.number(), z.number(), z.number()]).optional(),
  image_std: z.tuple([ratio, ratio, ratio]).optional(),
});

export type VisionConfigJson = z.input<typeof visionSchema>;
