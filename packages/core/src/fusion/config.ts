import type { Activation, RopeScaling } from "../nn/index.ts";
import type { TemplateName } from "../text/index.ts";
import type { Quantization } from "./quantization.ts";

/** Which first-half attention mask, padding rule and instruction cut a model was trained with (FUSION.md 7). */
export type Semantics = "released" | "paper";

/** The language model: Phi-3 (fused projections) or Llama (separate ones, grouped queries). */
export interface LanguageConfig {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
  readonly vocabularySize: number;
  readonly normEpsilon: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling;
  readonly maxPositions: number;
  /** Phi-3 stores q, k, v as one `qkv_proj` and gate, up as one `gate_up_proj`. */
  readonly fusedProjections: boolean;
  /** The output projection is the embedding table; there is no `lm_head.weight`. */
  readonly tiedEmbeddings: boolean;
}

export type TowerKind = "siglip" | "siglip2" | "clip";

/** The vision tower as it is run: without its last encoder layer, post-layernorm and pooling head. */
export interface VisionConfig {
  readonly kind: TowerKind;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  /** Layers in the tower's own config, the dropped last one included. */
  readonly declaredLayers: number;
  /** Layers that are run: N for the SigLIPs. */
  readonly layers: number;
  /** H: layers of the first half, and hidden states in each mean (equations 4 and 5). */
  readonly half: number;
  readonly heads: number;
  readonly patchSize: number;
  readonly imageSize: number;
  /** Patches per side, √P. */
  readonly grid: number;
  readonly classToken: boolean;
  readonly normEpsilon: number;
  readonly activation: Activation;
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** Interaction layers (paper 3.2). */
export interface InteractionConfig {
  /** How many there are, 0 for none; they stand after decoder layers start, start + stride, … */
  readonly layers: number;
  readonly start: number;
  readonly stride: number;
  /** w: the side of the window of context that each latent token attends to. */
  readonly window: number;
  readonly heads: number;
}

/** A FUSION model, free in every size. */
export interface FusionConfig {
  readonly modelType: "fusion_phi" | "fusion_llama";
  readonly semantics: Semantics;
  readonly template: TemplateName;
  readonly language: LanguageConfig;
  readonly vision: VisionConfig;
  /** `mm_vision_tower`: the tower's hub name. */
  readonly visionTower: string;
  readonly interaction: InteractionConfig;
  /** The set that Q is drawn from in training; squares. */
  readonly latentCounts: readonly number[];
  /** Side of the grid that image tokens are interpolated to (FUSION-L); the tower's own grid when equal to it. */
  readonly imageGrid: number;
  /** λ of equation 15. */
  readonly mappingWeight: number;
  readonly maxLength: number;
  /** Absent where all weights are floating-point numbers. */
  readonly quantization?: Quantization;
}

/** The decoder layers that an interaction layer follows: start, start + stride, … */
export function interactionPoints({ interaction }: FusionConfig): number[] {
  const { layers, start, stride } = interaction;
  return Array.from({ length: layers }, (_, k) => start + k * stride);
}

/** Q when the user names none: the largest of the model's set that is at most 64, else its smallest. */
export function defaultLatents({ latentCounts }: FusionConfig): number {
  const small = latentCounts.filter((count) => count <= 64);
  return small.length ? Math.max(...small) : Math.min(...latentCounts);
}
