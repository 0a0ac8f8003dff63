import { dirname, join, resolve } from "node:path";
import type { Sample } from "@fusion-vlm/plugin-kit";
import type { QuestionPictures } from "./sample-pictures.ts";
import type { TrainingLog } from "./training-log.ts";

export interface AnswerFacts {
  readonly scores: string;
  readonly known: QuestionPictures;
  readonly samples: readonly Sample[];
  /** The last line was cut off. */
  readonly cut: boolean;
  /** The predictions are those that the score counts. */
  readonly isWhole: boolean;
}

/** What a reader should know about the answers that are shown. */
export function notesOnAnswers({ scores, known, samples, cut, isWhole }: AnswerFacts): string[] {
  const missing = samples.filter(({ picture }) => typeof picture === "string").length;
  const file = join(scores, "predictions.jsonl");
  const notes: string[] = [];
  if (known.problem) notes.push(`${known.problem} --data says where the questions are now.`);
  else if (missing > 0) notes.push(`${missing} of ${samples.length} pictures cannot be shown.`);
  if (cut) notes.push(`The last line of ${file} was cut off, and is left out.`);
  // Without the questions' file, answers of a longer run before cannot be told from those that count.
  if (!isWhole && !known.problem) {
    notes.push(
      `${file} does not hold the answers that score.json counts: score the model again to have both of one run.`,
    );
  }
  return notes;
}

/** Logs that lie elsewhere than the model that was scored may be of another training. */
export function notesOnModel(model: string, logs: readonly TrainingLog[]): string[] {
  if (logs.length === 0 || logs.some(({ path }) => dirname(resolve(path)) === resolve(model))) return [];
  return [`No log lies in ${model}, the model that was scored: look whether they are of its training.`];
}

/** What a reader should know about a training. */
export function notesOnLog({ path, end, cut, every, steps }: TrainingLog): string[] {
  const notes: string[] = [];
  if (end === "unfinished") notes.push(`${path} has no end: that training went on, or was killed.`);
  if (cut) notes.push(`The last line of ${path} was cut off, and is left out.`);
  if (every > 1) notes.push(`Of the ${steps} steps of ${path}, one in ${every} is drawn.`);
  return notes;
}
