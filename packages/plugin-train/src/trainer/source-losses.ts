import type { PreparedPart } from "./phase.ts";
import type { SourceLoss } from "./train-events.ts";

/** Mean cross entropy of the answer tokens of each data file, files in the order of their names. */
export function sourceLosses(parts: readonly PreparedPart[], answerLosses: readonly Float32Array[]): SourceLoss[] {
  const sums = new Map<string, { loss: number; tokens: number }>();
  for (const [index, { batch, sources }] of parts.entries()) {
    for (const [token, sample] of batch.answerSamples.entries()) {
      const source = sources[sample]!;
      const sum = sums.get(source) ?? { loss: 0, tokens: 0 };
      sums.set(source, sum);
      sum.loss += answerLosses[index]![token]!;
      sum.tokens += 1;
    }
  }
  return [...sums]
    .map(([source, { loss, tokens }]) => ({ source, answer: loss / tokens, answerTokens: tokens }))
    .toSorted((a, b) => (a.source < b.source ? -1 : 1));
}
