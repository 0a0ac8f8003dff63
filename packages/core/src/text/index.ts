export type { TextPiece } from "./added-tokens.ts";
export { type BpeTrainingOptions, trainBpe } from "./bpe-trainer.ts";
export {
  type ChatTemplate,
  type ConversationOptions,
  chatTemplate,
  chatTemplates,
  renderPrompt,
  type TemplateName,
  type Turn,
} from "./chat-template.ts";
export { type FamilyTokens, familySpecialTokens, requireControlTokens, stopTokenIds } from "./control-tokens.ts";
export { embeddedCorpus } from "./embedded-corpus.ts";
export { type TokenizerFiles, trainFamilyTokenizer } from "./family-tokenizer.ts";
export {
  type ConversationPlanOptions,
  type PlanTokenizer,
  paperInstructionLimit,
  planConversation,
  planTurn,
  type Segment,
  type SequencePlan,
  type TextSegment,
  type TurnPlanOptions,
} from "./sequence-plan.ts";
export type { TextStream } from "./text-stream.ts";
export { createTokenizer, type DecodeOptions, type EncodeOptions, type FusionTokenizer } from "./tokenizer.ts";
export type { AddedToken, TokenizerConfig, TokenizerJson } from "./tokenizer-json.ts";
