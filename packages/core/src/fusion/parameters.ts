import type { FusionConfig } from "./config.ts";
import { lossGraph } from "./graphs.ts";
import { encoderLayerPrefix, towerPrefix } from "./names.ts";

/** Every parameter of the model by its checkpoint name, with its shape: exactly what the graphs ask for. */
export function fusionParameters(config: FusionConfig): Map<string, readonly number[]> {
  const graph = lossGraph(config, config.latentCounts[0]!);
  return new Map(graph.parameters.map(({ name, shape }) => [name, shape as readonly number[]]));
}

/** Parameters that official checkpoints hold although nothing reads them: written so that their code loads ours. */
export function unusedParameters({ vision }: FusionConfig): Map<string, readonly number[]> {
  return new Map(["weight", "bias"].map((part) => [`${towerPrefix}.post_layernorm.${part}`, [vision.hiddenSize]]));
}

/**
 * True for checkpoint entries that FUSION does not use: the tower's dropped last layer, its post-layernorm and pooling
 * head, index buffers, and an output table where embeddings are tied.
 */
export function isUnusedParameter(name: string, { vision, language }: FusionConfig): boolean {
  if (language.tiedEmbeddings && name === "lm_head.weight") return true;
  if (/\.(position_ids|inv_freq)$/.test(name)) return true;
  if (!name.startsWith(towerPrefix)) return false;
  const rest = name.slice(towerPrefix.length + 1);
  if (rest.startsWith("post_layernorm.") || rest.startsWith("head.")) return true;
  for (let layer = vision.layers; layer < vision.declaredLayers; layer++) {
    if (name.startsWith(`${encoderLayerPrefix(layer)}.`)) return true;
  }
  return false;
}
