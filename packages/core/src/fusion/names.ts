/** Where the parts lie in an official checkpoint: every parameter name begins with one of these. */
export const towerPrefix = "model.vision_tower.vision_tower.vision_model";
export const imageProjector = "model.mm_projector";
export const textProjector = "model.aux_projector";
export const embeddingTable = "model.embed_tokens.weight";
export const outputTable = "lm_head.weight";

export function encoderLayerPrefix(layer: number): string {
  return `${towerPrefix}.encoder.layers.${layer}`;
}

export function decoderLayerPrefix(layer: number): string {
  return `model.layers.${layer}`;
}

/** `index` counts interaction layers, not decoder layers. */
export function interactionPrefix(index: number): string {
  return `model.vision_sampler_layers.${index}.layers.0`;
}
