import { FusionError } from "../errors/index.ts";
import type { FinishReason } from "../generate/index.ts";
import type { OptionNames } from "./known-options.ts";

/** A picture: the path of a file, its file: URL, or its bytes, which must not change before the first answer. */
export type ImageSource = string | URL | Uint8Array | ArrayBuffer;

/** How an answer is made. */
export interface GenerationOptions {
  /** Longest answer in tokens; 256 when absent. */
  readonly maxTokens?: number;
  /** 0, the default, takes the likeliest token. */
  readonly temperature?: number;
  /** Samples among the k likeliest tokens, and those as likely as the k-th; 0, the default, among all. */
  readonly topK?: number;
  /** Samples among the likeliest tokens of this total probability; 1, the default, among all. */
  readonly topP?: number;
  /** Above 1 makes tokens seen before less likely; 1 when absent. */
  readonly repetitionPenalty?: number;
  /** Seed of sampling; unpredictable when absent. */
  readonly seed?: number;
  /**
   * Try out runs of tokens that stood before, in the question or the answer, several at a time: the same answer, faster where it
   * repeats much. True when absent; a model for which that loses time, or changes numbers, goes on one by one.
   */
  readonly lookup?: boolean;
  /** The answer ends where one of these texts appears. */
  readonly stop?: readonly string[];
  readonly signal?: AbortSignal;
}

export interface QuestionOptions extends GenerationOptions {
  /** Absent: a question without a picture. */
  readonly image?: ImageSource;
  readonly question: string;
  /** Replaces the template's system text. */
  readonly system?: string;
  /** Turn the picture as its EXIF orientation says; ignored by the model's own preprocessing. */
  readonly autoOrient?: boolean;
}

export const generationOptions: OptionNames<GenerationOptions> = {
  maxTokens: true,
  temperature: true,
  topK: true,
  topP: true,
  repetitionPenalty: true,
  seed: true,
  lookup: true,
  stop: true,
  signal: true,
};

export const questionOptions: OptionNames<QuestionOptions> = {
  image: true,
  question: true,
  system: true,
  autoOrient: true,
  ...generationOptions,
};

export interface Usage {
  /** Rows that were run for this question: text, image and latent tokens. */
  readonly promptTokens: number;
  /** Of these, image tokens. */
  readonly imageTokens: number;
  /** Of these, latent tokens. */
  readonly latentTokens: number;
  readonly outputTokens: number;
  /** Rows that were in the cache already. */
  readonly cachedTokens: number;
  /** The instruction was cut at the paper's limit before it guided the vision tower. */
  readonly instructionTruncated: boolean;
}

/** Wall-clock milliseconds of the parts of an answer. Time that the reader of a stream takes counts in `total` alone. */
export interface Timing {
  /** Decoding and resizing the picture. */
  readonly image: number;
  /** Vision tower, whole image and sub-images. */
  readonly vision: number;
  /** The language model over the prompt. */
  readonly prefill: number;
  /** All further tokens. */
  readonly decode: number;
  /** From the call to the first token. */
  readonly firstToken: number;
  readonly total: number;
}

export interface Answer {
  readonly text: string;
  readonly tokens: readonly number[];
  readonly finishReason: FinishReason;
  readonly usage: Usage;
  readonly timing: Timing;
}

export interface AnswerDelta {
  readonly type: "text-delta";
  readonly text: string;
}

export interface AnswerEnd extends Answer {
  readonly type: "end";
}

/** What a stream yields: pieces of text, then one end. */
export type AnswerPart = AnswerDelta | AnswerEnd;

export function optionError(at: string, expected: string, actual: unknown, hint: string): FusionError {
  return new FusionError({ code: "OPTION_INVALID", at, expected, actual: String(actual), hint });
}
