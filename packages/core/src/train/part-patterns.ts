import type { NamePattern } from "./name-pattern.ts";

/** The parts of FUSION as patterns on checkpoint names, for rules; every parameter is in exactly one of them. */
export const partPatterns = {
  visionTower: ["model.vision_tower.*"],
  /** MLP_v2t, Eq. (8) */
  imageProjector: ["model.mm_projector.*"],
  /** MLP_t2v, Eq. (2) */
  textProjector: ["model.aux_projector.*"],
  interactionLayers: ["model.vision_sampler_layers.*"],
  languageModel: ["model.layers.*", "model.norm.weight"],
  /** Tables of the language model; one where they are tied. */
  embeddings: ["model.embed_tokens.weight", "lm_head.weight"],
} as const satisfies Readonly<Record<string, readonly NamePattern[]>>;

export type TrainedPart = keyof typeof partPatterns;
