import { abortedError, throwIfAborted } from "../errors/index.ts";
import type { Sampler } from "./sampler.ts";
import { type StopCondition, stopRules } from "./stop-condition.ts";
import { TextScanner } from "./text-scanner.ts";

/** Named by errors. */
const place = "generate";

/** Turns tokens into text; holds back bytes that are no whole character yet. The text room's streams are such. */
export interface TextStream {
  /** The text that this token completes; empty when it completes none. */
  push(token: number): string;
  /** What is left when no token follows. */
  end(): string;
}

export interface GenerateTokensOptions {
  /** [V] scores of the first new token, from the prefill. */
  readonly logits: Float32Array;
  /** Appends a token to the sequence and resolves to the scores [V] of the next one. */
  readonly step: (token: number) => Promise<Float32Array>;
  readonly sampler: Sampler;
  readonly textStream: TextStream;
  /** Without {@link maxNewTokens} among them, only the model itself or `step` ends the text. */
  readonly stopWhen: readonly StopCondition[];
  /** Ids before the first new one, for the repetition penalty; none when absent. */
  readonly history?: readonly number[];
  readonly signal?: AbortSignal;
}

/** As in OpenAI's API: `stop` by a token or a text of the stop conditions, `length` by the limit. */
export type FinishReason = "stop" | "length";

/** New text. */
export interface TextDelta {
  readonly type: "text-delta";
  /** Never empty. */
  readonly text: string;
  /** The latest token when the text was released; text may come from several. */
  readonly token: number;
}

export interface GenerationEnd {
  readonly type: "end";
  readonly finishReason: FinishReason;
  /** What stopped it, when `finishReason` is `stop`. */
  readonly stop?: { readonly token: number } | { readonly text: string };
  /** All deltas together. */
  readonly text: string;
  /** Every chosen token, a stop token included. `step` has seen all but the last. */
  readonly tokens: readonly number[];
}

export type GenerationPart = TextDelta | GenerationEnd;

/**
 * Chooses tokens one after another until a stop condition holds: text-delta parts, then one end part.
 *
 * Aborting ends it at once by throwing ABORTED, as fetch does; `cause` is the signal's reason. A step that is under way is
 * not waited for: it ends later and its scores are dropped, so whoever goes on with the same cache must overwrite its row.
 *
 * @throws ABORTED, and whatever `step`, `sampler` and `textStream` throw
 */
export async function* generateTokens(options: GenerateTokensOptions): AsyncGenerator<GenerationPart, void, undefined> {
  const { step, sampler, textStream, signal, history = [] } = options;
  const rules = stopRules(options.stopWhen);
  const scanner = new TextScanner(rules.texts);
  const tokens: number[] = [];
  const seen = [...history];
  let text = "";
  let { logits } = options;

  for (;;) {
    throwIfAborted(signal, place);
    const token = sampler.next(logits, seen);
    tokens.push(token);
    seen.push(token);
    const isStopToken = rules.tokens.has(token);
    const isLast = isStopToken || tokens.length >= rules.maxTokens;

    const piece = (isStopToken ? "" : textStream.push(token)) + (isLast ? textStream.end() : "");
    const scanned = scanner.push(piece);
    const isText = scanned.stop !== undefined;
    const delta = isLast && !isText ? scanned.text + scanner.end() : scanned.text;
    if (delta !== "") {
      text += delta;
      yield { type: "text-delta", text: delta, token };
    }
    if (isText) {
      yield { type: "end", finishReason: "stop", stop: { text: scanned.stop }, text, tokens };
      return;
    }
    if (isLast) {
      const reason = isStopToken
        ? { finishReason: "stop" as const, stop: { token } }
        : { finishReason: "length" as const };
      yield { type: "end", ...reason, text, tokens };
      return;
    }
    logits = await untilAborted(() => step(token), signal);
  }
}

/** The job's result, or ABORTED as soon as the signal fires; its listener never stays behind. */
async function untilAborted<T>(job: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  throwIfAborted(signal, place);
  if (!signal) return job();
  let stopListening = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    const listener = () => reject(abortedError(signal, place));
    signal.addEventListener("abort", listener, { once: true });
    stopListening = () => signal.removeEventListener("abort", listener);
  });
  try {
    return await Promise.race([job(), aborted]);
  } finally {
    stopListening();
  }
}
