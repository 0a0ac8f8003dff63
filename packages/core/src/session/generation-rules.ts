import { shownValue } from "../errors/index.ts";
import { maxNewTokens, onText, onToken, type Sampler, type StopCondition, sample } from "../generate/index.ts";
import { type GenerationOptions, optionError } from "./options.ts";

const defaultMaxTokens = 256;

/** How tokens are chosen and when an answer ends. */
export interface GenerationRules {
  readonly sampler: Sampler;
  readonly stopWhen: readonly StopCondition[];
}

/** Checks the options of a question. Throws OPTION_INVALID naming the one that is wrong. */
export function generationRules(options: GenerationOptions, stopTokens: readonly number[]): GenerationRules {
  const { maxTokens = defaultMaxTokens, temperature = 0, topK, topP, repetitionPenalty, seed, stop = [] } = options;
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 1) {
    throw optionError("maxTokens", "a whole number of 1 or more", shownValue(maxTokens), "Leave it out for 256.");
  }
  if (!Array.isArray(stop) || stop.some((text) => typeof text !== "string" || text === "")) {
    throw optionError("stop", "a list of texts, none of them empty", JSON.stringify(stop), 'Write it as ["text"].');
  }
  return {
    sampler: sample({ temperature, topK, topP, repetitionPenalty, seed }),
    stopWhen: [maxNewTokens(maxTokens), onToken(...stopTokens), ...(stop.length > 0 ? [onText(...stop)] : [])],
  };
}
