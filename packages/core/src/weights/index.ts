export { type CheckWeightsOptions, checkWeights, type ShapeDifference } from "./check-weights.ts";
export { type EncodedHeader, encodeSafetensorsHeader } from "./encode-safetensors.ts";
export { encodeBfloat16, encodeFloat16 } from "./half-floats.ts";
export { headerEnd } from "./header-end.ts";
export {
  type FloatDtype,
  type RandomChunksOptions,
  type RandomInitOptions,
  randomChunks,
  randomTensor,
} from "./random-init.ts";
export {
  parseSafetensorsHeader,
  type SafetensorsHeader,
  safetensorsDtypes,
  type TensorLayout,
  type TensorSpan,
  tensorFromBytes,
} from "./safetensors.ts";
export type { FileTensor, SafetensorsFile } from "./safetensors-file-node.ts";
export { parseWeightIndex } from "./weight-index.ts";
export type { WeightEntry, WeightStore } from "./weight-store-node.ts";
export type { TensorData, WeightSource } from "./write-safetensors-node.ts";
export type { WriteWeightsOptions } from "./write-weights-node.ts";
