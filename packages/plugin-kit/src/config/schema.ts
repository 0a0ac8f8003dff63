import { z } from "zod";
import { devices, isSquare, squareNumber } from "../command/flags.ts";

const count = z.int().positive().optional();
const square = z.int().refine(isSquare, squareNumber).optional();

/** Options of an answer, named as in the SDK. */
export const generationSchema = z.strictObject({
  latents: square,
  imageTokens: square,
  maxTokens: count,
  temperature: z.number().min(0).optional(),
  /** 0: all. */
  topK: z.int().min(0).optional(),
  topP: z.number().gt(0).max(1).optional(),
  repetitionPenalty: z.number().positive().optional(),
  seed: z.int().min(0).optional(),
  lookup: z.boolean().optional(),
  stop: z.array(z.string().min(1)).optional(),
});

/** What fusion.config may hold. */
export const configSchema = z.strictObject({
  /** A preset, or a folder; one that begins with `./` or `../` is relative to the configuration file. */
  model: z.string().min(1).optional(),
  device: z.enum(devices).optional(),
  threads: count,
  generation: generationSchema.optional(),
  /** Sections of command packages, by package topic; each package checks its own. */
  plugins: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
});

export type GenerationSettings = z.infer<typeof generationSchema>;
export type FusionConfig = z.infer<typeof configSchema>;

/** Gives fusion.config.ts its types: `export default defineConfig({ … })`. */
export function defineConfig(config: FusionConfig): FusionConfig {
  return config;
}
