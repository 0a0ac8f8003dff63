export {
  defaultLatents,
  type FusionConfig,
  type InteractionConfig,
  interactionPoints,
  type LanguageConfig,
  type Semantics,
  type TowerKind,
  type VisionConfig,
} from "./config.ts";
export { type ConfigJson, parseConfig } from "./config-file.ts";
export {
  contextGraph,
  decodeGraph,
  extendGraph,
  type FusionLoss,
  fusionLoss,
  imageGraph,
  latentsGraph,
  lossGraph,
  pastKeyName,
  pastValueName,
  prefillGraph,
  presentKeyName,
  presentValueName,
  verifyGraph,
} from "./graphs.ts";
export { type ModelPart, modelPart, modelParts } from "./model-parts.ts";
export { type ModelPreset, modelPreset, presetNames } from "./model-presets.ts";
export { embeddingTable, outputTable } from "./names.ts";
export { fusionParameters, isUnusedParameter, unusedParameters } from "./parameters.ts";
export {
  type Quantization,
  type QuantizedPart,
  quantizationNamed,
  quantizationNames,
  quantizedParts,
  type WeightFormat,
} from "./quantization.ts";
export {
  type LayoutOptions,
  type LayoutSample,
  layoutSequence,
  type SampleLayout,
  type SequenceLayout,
} from "./sequence-layout.ts";
export { hasImageBase, imageBaseGraph, imageGuidedGraph } from "./split-encoding.ts";
export type { VisionConfigJson } from "./vision-schema.ts";
