// Models
export { type InitModelOptions, type InitModelResult, initModel, type LoadOptions, loadFusion } from "./session/index-node.ts";
export {
  Chat,
  type ChatOptions,
  type FinishedTurn,
  FusionModel,
  type ModelInfo,
} from "./session/index.ts";

// Questions and answers
export type {
  Answer,
  AnswerDelta,
  AnswerEnd,
  AnswerPart,
  GenerationOptions,
  ImageSource,
  QuestionOptions,
  Timing,
  Usage,
} from "./session/index.ts";

// Model folders
export { type ModelFolder, openModelFolder, readModelConfig } from "./session/index-node.ts";
export {
  defaultLatents,
  type FusionConfig,
  fusionParameters,
  interactionPoints,
  type ModelPreset,
  modelPreset,
  presetNames,
  type Semantics,
} from "./fusion/index.ts";

// Comparison with recorded numbers
export { type Comparison, type VerifyOptions, type VerifyReport, verifyModel } from "./reference/index.ts";

// Engines
export type { Backend, OnnxModel, Program, RunOptions, StateTensor } from "./backends/index.ts";
export {
  type EngineProbe,
  type EngineReport,
  type NodeBackendOptions,
  type NodeDevice,
  nodeBackend,
  probeEngines,
} from "./backends/index-node.ts";

// Tensors
export * from "./tensor/index.ts";

// Errors
export { type ErrorCode, FusionError, type FusionErrorOptions, internalError } from "./errors/index.ts";
