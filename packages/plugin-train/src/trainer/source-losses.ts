import type { PreparedPart } from "./phase.ts";
import type { SourceLoss } from "./train-events.ts";

/** Samples that ran together, and the cross entropy of each of their answer tokens. */
export interface PartLosses {
  readonly part: PreparedPart;
  readonly answerLosses: Float32Array;
}

/** Mean cross entropy of the answer tokens of each data file, files in the order of their names. */
export function sourceLosses(parts: readonly PartLosses[]): SourceLoss[] {
  const sums = new Map<string, { loss: number; tokens: number }>();
  for (const { part, answerLosses } of parts) {
    for (const [token, sample] of part.batch.answerSamples.entries()) {
      const source = part.sources[sample]!;
      const sum = sums.get(source) ?? { loss: 0, tokens: 0 };
      sums.set(source, sum);
      sum.loss += answerLosses[token]!;
      sum.tokens += 1;
    }
  }
  return [...sums]
    .map(([source, { loss, tokens }]) => ({ source, answer: loss / tokens, answerTokens: tokens }))
    .toSorted((a, b) => (a.source < b.source ? -1 : 1));
}
