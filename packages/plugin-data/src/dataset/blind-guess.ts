import { type Question, type SynthKind, synthKinds } from "../questions/index.ts";

/** Shares of questions from 0 to 1; absent for a kind that was not asked. */
export interface BlindAccuracy {
  readonly overall: number;
  readonly kinds: Partial<Record<SynthKind, number>>;
}

/**
 * How well one answers without the picture: by the answer that is commonest in training for the form of the question.
 *
 * A dataset on which this is high would teach little and prove nothing.
 */
export class BlindGuess {
  readonly #seen = new Map<string, Map<string, number>>();
  readonly #asked = new Map<string, { kind: SynthKind; answers: Map<string, number> }>();

  /** Counts a training question. */
  learn({ kind, form, answer }: Question): void {
    const key = `${kind}/${form}`;
    if (!this.#seen.has(key)) this.#seen.set(key, new Map());
    add(this.#seen.get(key)!, answer);
  }

  /** Counts a held-out question. */
  ask({ kind, form, answer }: Question): void {
    const key = `${kind}/${form}`;
    if (!this.#asked.has(key)) this.#asked.set(key, { kind, answers: new Map() });
    add(this.#asked.get(key)!.answers, answer);
  }

  /** Undefined when nothing was asked. */
  accuracy(): BlindAccuracy | undefined {
    const right = new Map<SynthKind, number>();
    const all = new Map<SynthKind, number>();
    for (const [key, { kind, answers }] of this.#asked) {
      const guess = commonest(this.#seen.get(key));
      all.set(kind, (all.get(kind) ?? 0) + sum(answers.values()));
      right.set(kind, (right.get(kind) ?? 0) + (guess === undefined ? 0 : (answers.get(guess) ?? 0)));
    }
    if (all.size === 0) return undefined;
    const share = (kind: SynthKind) => round(right.get(kind)! / all.get(kind)!);
    return {
      overall: round(sum(right.values()) / sum(all.values())),
      kinds: Object.fromEntries(synthKinds.filter((kind) => all.has(kind)).map((kind) => [kind, share(kind)])),
    };
  }
}

function add(counts: Map<string, number>, answer: string): void {
  counts.set(answer, (counts.get(answer) ?? 0) + 1);
}

/** The first of the commonest, by the alphabet, so that the order of the questions does not matter. */
function commonest(counts: ReadonlyMap<string, number> = new Map()): string | undefined {
  return [...counts].sort(([a, timesA], [b, timesB]) => timesB - timesA || (a < b ? -1 : 1))[0]?.[0];
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}

function round(share: number): number {
  return Math.round(share * 10_000) / 10_000;
}
