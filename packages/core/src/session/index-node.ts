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
export { type ModelFolder, openModelFolder, readModelConfig } from "./model-folder-node.ts";
export { findModelFolder } from "./model-source-node.ts";
export { readJson } from "./read-json-node.ts";
