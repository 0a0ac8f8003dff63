import { FusionError, shownValue } from "../errors/index.ts";
import { createRandom } from "../tensor/index.ts";
import { allCandidates, draw, nucleus, topCandidates } from "./candidates.ts";

/** Chooses the next token. One sampler serves one generation at a time: with every draw its random numbers move on. */
export interface Sampler {
  /**
   * @param logits - [V] unnormalised scores of the next token; left as they are
   * @param history - ids that the repetition penalty looks at, each once however often it occurs
   * @returns an id from 0 to V - 1
   * @throws BACKEND_FAILED when a score is NaN or the largest is not finite, OPTION_INVALID for a history id outside V
   */
  next(logits: Float32Array, history: readonly number[]): number;
}

export interface SampleOptions {
  /** Divides the logits; 0 is greedy. 1 when absent. */
  readonly temperature?: number;
  /** Keeps the k largest logits, and those equal to the k-th; 0, or absent, keeps all. */
  readonly topK?: number;
  /** Keeps the smallest set of likeliest tokens whose probability reaches p; 1, or absent, keeps all. */
  readonly topP?: number;
  /** Integer from 0 to 2^53 - 1; the same seed makes the same choices. Unpredictable when absent. */
  readonly seed?: number;
  /** Above 1 makes tokens of the history less likely: positive logits are divided by it, others multiplied. 1 when absent. */
  readonly repetitionPenalty?: number;
}

/** Takes the largest logit; of equal ones the lowest id. */
export function greedy(options: Pick<SampleOptions, "repetitionPenalty"> = {}): Sampler {
  return sample({ ...options, temperature: 0 });
}

/**
 * Draws from the softmax of the logits, in the order of Hugging Face transformers:
 *
 *   repetition penalty → temperature → top-k → top-p → draw
 *
 * @throws OPTION_INVALID for an option out of range
 * @see https://github.com/huggingface/transformers/blob/v4.46.0/src/transformers/generation/logits_process.py
 */
export function sample(options: SampleOptions = {}): Sampler {
  const { temperature = 1, topK = 0, topP = 1, repetitionPenalty = 1, seed = unpredictableSeed() } = options;
  checkOption("temperature", temperature, temperature >= 0 && temperature < Infinity, "a finite number of 0 or more");
  checkOption("topK", topK, Number.isSafeInteger(topK) && topK >= 0, "a whole number of 0 or more");
  checkOption("topP", topP, topP > 0 && topP <= 1, "a number above 0 and up to 1");
  const penaltyFits = repetitionPenalty > 0 && repetitionPenalty < Infinity;
  checkOption("repetitionPenalty", repetitionPenalty, penaltyFits, "a finite number above 0");
  const random = createRandom(seed, "sampler");

  return {
    next(logits, history) {
      const scores = repetitionPenalty === 1 ? logits : penalise(logits, history, repetitionPenalty);
      const best = argmax(scores);
      if (temperature === 0) return best;
      const largest = scores[best]!;
      const isCut = topK > 0 && topK < scores.length;
      const candidates = isCut
        ? topCandidates(scores, largest, temperature, topK)
        : allCandidates(scores, largest, temperature);
      return draw(topP < 1 ? nucleus(candidates, topP) : candidates, random());
    },
  };
}

function penalise(logits: Float32Array, history: readonly number[], penalty: number): Float32Array {
  const scores = logits.slice();
  for (const id of new Set(history)) {
    const score = scores[id];
    if (score === undefined) {
      throw new FusionError({
        code: "OPTION_INVALID",
        at: "sampler: history",
        expected: `ids from 0 to ${logits.length - 1}`,
        actual: String(id),
        hint: "Pass token ids of the model's vocabulary only.",
      });
    }
    scores[id] = score < 0 ? score * penalty : score / penalty;
  }
  return scores;
}

/** The lowest id with the largest score. */
function argmax(scores: Float32Array): number {
  let best = 0;
  let isNumber = true;
  for (let id = 0; id < scores.length; id++) {
    const score = scores[id]!;
    if (score > scores[best]!) best = id;
    else if (Number.isNaN(score)) isNumber = false;
  }
  if (isNumber && Number.isFinite(scores[best])) return best;
  throw new FusionError({
    code: "BACKEND_FAILED",
    at: "sampler: logits",
    expected: "numbers, the largest of them finite",
    actual: scores.length === 0 ? "none" : isNumber ? String(scores[best]) : "NaN",
    hint: "Check the weights: `fusion model verify` shows where numbers leave their range.",
  });
}

function checkOption(name: string, value: number, isValid: boolean, expected: string): void {
  // "0.5" compares like a number.
  if (isValid && typeof value === "number") return;
  throw new FusionError({
    code: "OPTION_INVALID",
    at: name,
    expected,
    actual: shownValue(value),
    hint: `Correct ${name}, or leave it out.`,
  });
}

function unpredictableSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}
