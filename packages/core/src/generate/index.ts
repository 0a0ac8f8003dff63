export {
  type FinishReason,
  type GenerateTokensOptions,
  type GenerationEnd,
  type GenerationPart,
  generateTokens,
  type TextDelta,
  type TextStream,
} from "./generate-tokens.ts";
export { type LookupOptions, lookUp } from "./prompt-lookup.ts";
export { greedy, type SampleOptions, type Sampler, sample } from "./sampler.ts";
export { maxNewTokens, onText, onToken, type StopCondition } from "./stop-condition.ts";
