export { Chat } from "./chat.ts";
export type { FinishedTurn } from "./chat-context.ts";
export { Cleanup } from "./cleanup.ts";
export { compileFed, compileGraph } from "./compile.ts";
export { FusionEngine, type ImageContext } from "./engine.ts";
export { type ChatOptions, FusionModel, type ModelInfo } from "./fusion-model.ts";
export { KeyValueCache } from "./kv-cache.ts";
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
} from "./options.ts";
