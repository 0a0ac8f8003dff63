import { createHash } from "node:crypto";
import type { SampleQuestion } from "@fusion-vlm/plugin-kit";
import type { Prediction } from "./predictions-file.ts";

/** A picture of a contact sheet with what was asked about it. */
export interface ChosenPicture {
  /** Path relative to the questions' file; the record's id where that file is not known. */
  readonly name: string;
  readonly questions: readonly SampleQuestion[];
}

interface Entry {
  readonly rank: string;
  /** By turn and id; what is known of each so far. */
  readonly questions: Map<string, Partial<SampleQuestion>>;
}

/**
 * Chooses pictures by SHA-256 of their names, the smallest first: as good as drawn at random, the same each time, and whatever
 * was answered. Holds no more than it will return, however many predictions come.
 */
export class PictureChoice {
  readonly #entries = new Map<string, Entry>();

  constructor(private readonly limit: number) {}

  add(name: string, { id, turn, blank, kind, question, expected, answer, correct }: Prediction): void {
    const entry = this.#entries.get(name) ?? this.#enter(name);
    if (!entry) return;
    const key = JSON.stringify([id, turn]);
    const known = entry.questions.get(key) ?? { kind, question, expected };
    entry.questions.set(key, blank ? { ...known, blankAnswer: answer } : { ...known, answer, correct });
  }

  /** In the order of names. */
  chosen(): ChosenPicture[] {
    return [...this.#entries]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, { questions }]) => ({ name, questions: [...questions.values()].filter(isAnswered) }));
  }

  #enter(name: string): Entry | undefined {
    if (this.limit === 0) return undefined;
    const rank = createHash("sha256").update(name).digest("hex");
    if (this.#entries.size >= this.limit) {
      const [largest, { rank: highest }] = [...this.#entries].reduce((one, other) =>
        one[1].rank > other[1].rank ? one : other,
      );
      if (rank > highest) return undefined;
      // What has left never comes back: ranks that are in only become smaller.
      this.#entries.delete(largest);
    }
    const entry: Entry = { rank, questions: new Map() };
    this.#entries.set(name, entry);
    return entry;
  }
}

function isAnswered(question: Partial<SampleQuestion>): question is SampleQuestion {
  return question.answer !== undefined;
}
