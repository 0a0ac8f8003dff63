import type { BuiltinQuestion } from "./builtin-questions.ts";
import { type PairedDifference, pairedDifference } from "./paired-difference.ts";
import type { Prediction } from "./predictions-file.ts";
import { type Interval, wilson } from "./wilson.ts";

/** A share of right answers. */
export interface Proportion {
  readonly correct: number;
  readonly total: number;
  /** correct / total */
  readonly share: number;
  /** 95 %, by Wilson. */
  readonly interval: Interval;
}

export interface Score {
  readonly picture: Proportion;
  /** The same questions about a blank picture; absent when not asked for. */
  readonly blank?: Proportion;
  /** `picture` minus `blank`. */
  readonly difference?: PairedDifference;
}

export interface KindScore extends Score {
  readonly kind: string;
}

/** A question with what was answered to it. */
export interface AnsweredQuestion extends BuiltinQuestion {
  readonly answer: string;
  readonly correct: boolean;
  /** Of the same question about a blank picture. */
  readonly blank?: Pick<Prediction, "answer" | "correct">;
}

/** The score of all answers, and of each kind in the order in which kinds first come. */
export function scoreOf(answers: readonly AnsweredQuestion[]): { overall: Score; kinds: KindScore[] } {
  const byKind = new Map<string, AnsweredQuestion[]>();
  for (const answer of answers) {
    const ofKind = byKind.get(answer.kind) ?? [];
    byKind.set(answer.kind, ofKind);
    ofKind.push(answer);
  }
  return { overall: score(answers), kinds: [...byKind].map(([kind, ofKind]) => ({ kind, ...score(ofKind) })) };
}

function score(answers: readonly AnsweredQuestion[]): Score {
  const picture = proportion(answers.map(({ correct }) => correct));
  const pairs = answers.flatMap(({ image, correct, blank }) =>
    blank ? [{ cluster: image, first: correct, second: blank.correct }] : [],
  );
  if (pairs.length === 0) return { picture };
  return { picture, blank: proportion(pairs.map(({ second }) => second)), difference: pairedDifference(pairs) };
}

function proportion(outcomes: readonly boolean[]): Proportion {
  const total = outcomes.length;
  const correct = outcomes.filter(Boolean).length;
  return { correct, total, share: correct / total, interval: wilson(correct, total) };
}
