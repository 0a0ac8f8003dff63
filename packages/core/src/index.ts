// Models
export {
  type InitModelOptions,
  type InitModelResult,
  initModel,
  type LoadOptions,
  loadFusion,
} from "./session/index-node.ts";
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
export {
  findModelFolder,
  type GraphSize,
  inspectModel,
  type ModelFolder,
  type ModelInspection,
  type ModelStorage,
  openModelFolder,
  type PartSize,
  type QuantizationError,
  type QuantizationReportOptions,
  quantizationReport,
  type QuantizeModelOptions,
  type QuantizeModelResult,
  quantizeModel,
  readModelConfig,
  requireFloatWeights,
  type StateError,
} from "./session/index-node.ts";
export {
  type ConfigJson,
  defaultLatents,
  type FusionConfig,
  fusionParameters,
  interactionPoints,
  type ModelPart,
  type ModelPreset,
  modelPreset,
  parseConfig,
  presetNames,
  type Quantization,
  type QuantizedPart,
  quantizationNamed,
  quantizationNames,
  quantizedParts,
  type Semantics,
  type VisionConfigJson,
  type WeightFormat,
} from "./fusion/index.ts";

// The graphs, and the engine that runs them, for those who drive them on their own
export {
  contextGraph,
  decodeGraph,
  extendGraph,
  imageGraph,
  type LayoutOptions,
  type LayoutSample,
  latentsGraph,
  layoutSequence,
  lossGraph,
  prefillGraph,
  type SequenceLayout,
} from "./fusion/index.ts";
export { compileGraph, FusionEngine, type ImageContext, KeyValueCache } from "./session/index.ts";

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

// Pictures
export { type ImageTensors, normalizePixels, type PixelStatistics } from "./image/index.ts";
export {
  type DecodeOptions,
  type ImageFacts,
  inlinePreparer,
  type PicturePreparer,
  type PreparedImage,
  type PrepareOptions,
  picturePreparer,
  probeImage,
} from "./image/index-node.ts";

// Conversations as token ids
export {
  type ChatTemplate,
  type ConversationPlanOptions,
  chatTemplate,
  type FusionTokenizer,
  planConversation,
  requireControlTokens,
  type Segment,
  type SequencePlan,
  type Turn,
} from "./text/index.ts";
export { loadTokenizer } from "./text/index-node.ts";

// Weights
export { encodeBfloat16, encodeFloat16, type FloatDtype } from "./weights/index.ts";
export {
  type TensorData,
  type WeightEntry,
  type WeightSource,
  type WeightStore,
  openWeights,
  writeWeights,
} from "./weights/index-node.ts";

// Tensors
export * from "./tensor/index.ts";

// What command packages share
export { Cleanup } from "./session/index.ts";
export { makeFolders } from "./files/index-node.ts";

// Errors
export { type ErrorCode, FusionError, type FusionErrorOptions, internalError } from "./errors/index.ts";
