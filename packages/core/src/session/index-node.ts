export * from "./index.ts";
export { type InitModelOptions, type InitModelResult, initModel } from "./init-model-node.ts";
export {
  type GraphSize,
  inspectModel,
  type ModelInspection,
  type ModelStorage,
  type PartSize,
} from "./inspect-model-node.ts";
export { type LoadOptions, loadFusion } from "./load-fusion-node.ts";
export type { QuantizationError, StateError } from "./measure-quantization.ts";
export { type ModelFolder, openModelFolder, readModelConfig, requireFloatWeights } from "./model-folder-node.ts";
export { findModelFolder } from "./model-source-node.ts";
export { type QuantizationReportOptions, quantizationReport } from "./quantization-report-node.ts";
export { type QuantizeModelOptions, type QuantizeModelResult, quantizeModel } from "./quantize-model-node.ts";
export { readJson } from "./read-json-node.ts";
