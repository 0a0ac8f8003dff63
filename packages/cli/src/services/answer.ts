import { type Answer, type AnswerPart, internalError, type Timing } from "@fusion-vlm/core";
import type { GenerationSettings } from "@fusion-vlm/plugin-kit";

/** An answer as the documents of ask and chat hold it. */
export interface AnswerFacts {
  readonly text: string;
  /** `stop`: the model or a stop text ended it. `length`: the token limit or the context did. */
  readonly finishReason: Answer["finishReason"];
  readonly tokens: Answer["tokens"];
  readonly usage: Answer["usage"];
  /** Milliseconds, to a tenth. */
  readonly timing: Timing;
  /** Of the tokens after the first; null for an answer of one token. */
  readonly tokensPerSecond: number | null;
}

/**
 * Passes text on as it is made, and returns the whole answer.
 *
 * @throws what the stream throws; INTERNAL for one without an end part
 */
export async function collectAnswer(
  stream: AsyncIterable<AnswerPart>,
  onText: (text: string) => void,
): Promise<AnswerFacts> {
  let answer: AnswerFacts | undefined;
  for await (const part of stream) {
    if (part.type === "text-delta") onText(part.text);
    else answer = answerFacts(part);
  }
  if (answer) return answer;
  throw internalError("answer", "the stream ended without an end part");
}

function answerFacts({ text, finishReason, tokens, usage, timing }: Answer): AnswerFacts {
  const rate = tokens.length > 1 && timing.decode > 0 ? (1000 * (tokens.length - 1)) / timing.decode : null;
  const rounded = Object.fromEntries(Object.entries(timing).map(([part, time]) => [part, tenths(time)]));
  return {
    text,
    finishReason,
    tokens,
    usage,
    timing: rounded as unknown as Timing,
    tokensPerSecond: rate && tenths(rate),
  };
}

export function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}

/** The settings that belong to a question; latents and image tokens belong to the model. */
export function questionOptions({ latents: _, imageTokens: __, ...options }: GenerationSettings) {
  return options;
}
