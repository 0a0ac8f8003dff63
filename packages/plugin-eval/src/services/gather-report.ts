import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Sample } from "@fusion-vlm/plugin-kit";
import { type AnswerPair, type PairedDifference, pairedDifference } from "./paired-difference.ts";
import { PictureChoice } from "./picture-choice.ts";
import type { Prediction } from "./predictions-file.ts";
import { questionKey, readPredictions } from "./read-predictions.ts";
import { reportError } from "./report-error.ts";
import { notesOnAnswers, notesOnLog, notesOnModel } from "./report-notes.ts";
import { type QuestionPictures, questionPictures, readSamples } from "./sample-pictures.ts";
import { readScoreDocument, type ScoreDocument } from "./score-document.ts";
import { readTrainingLog, type TrainingLog } from "./training-log.ts";

export interface ReportOptions {
  /** Folder of `fusion eval run --out`. */
  readonly scores: string;
  /** Such a folder of the model before its training: the same questions. */
  readonly before?: string;
  /** Model folders with train-log.jsonl, or such files, in the order in which the model was trained. */
  readonly logs?: readonly string[];
  /** Where the questions are now; where they were when they were asked when absent. */
  readonly data?: string;
  /** Pictures on the contact sheet; 24 when absent. */
  readonly pictures?: number;
  readonly signal?: AbortSignal;
}

/** What a report tells. */
export interface ReportContent {
  readonly score: ScoreDocument;
  readonly before?: ScoreDocument;
  /** Right answers now minus right answers before, question by question. */
  readonly gained?: PairedDifference;
  readonly logs: readonly TrainingLog[];
  readonly samples: readonly Sample[];
  /** What a reader should know, such as pictures that are gone. */
  readonly notes: readonly string[];
}

/** Right or not, by {@link questionKey}. */
type Outcomes = ReadonlyMap<string, boolean>;

/**
 * Collects what a report needs from a folder of scores and from training logs.
 *
 * Logs and predictions are read line by line. What only spoils the contact sheet (predictions, questions or pictures that are
 * gone) becomes a note; scores and logs that are missing or damaged are errors.
 *
 * @throws RESULTS_INVALID naming file and line
 */
export async function gatherReport(options: ReportOptions): Promise<ReportContent> {
  const { scores, before: beforeFolder, logs: places = [], pictures = 24, signal } = options;
  const score = await readScoreDocument(scores);
  const before = beforeFolder === undefined ? undefined : await readBefore(beforeFolder, score);
  const logs: TrainingLog[] = [];
  for (const place of places) logs.push(await readTrainingLog(place, signal));
  const notes = [...logs.flatMap(notesOnLog), ...notesOnModel(score.model, logs)];

  if (!(await isThere(scores))) {
    notes.push(`${join(scores, "predictions.jsonl")} is gone: there are no pictures and answers to show.`);
    return { score, before, logs, samples: [], notes };
  }
  const earlier = beforeFolder && (await isThere(beforeFolder)) ? await readOutcomes(beforeFolder, signal) : undefined;
  const read = await readAnswers(options, { score, pictures, earlier: earlier?.outcomes });
  notes.push(...read.notes);
  if (earlier && earlier.header.data !== read.header.data) throw otherQuestions(beforeFolder!);
  return { score, before, gained: read.gained, logs, samples: read.samples, notes };
}

async function readAnswers(
  { scores, data, signal }: ReportOptions,
  { score, pictures, earlier }: { score: ScoreDocument; pictures: number; earlier?: Outcomes },
) {
  const choice = new PictureChoice(pictures);
  const pairs: AnswerPair[] = [];
  let known: QuestionPictures = { names: new Map() };
  let [answers, right] = [0, 0];
  const { header, cut } = await readPredictions(scores, {
    onHeader: async ({ data: fingerprint }) => {
      known = await questionPictures({ data: data ?? score.data, fingerprint, limit: score.questions });
    },
    onPrediction: (prediction) => {
      const key = questionKey(prediction);
      const name = known.names.get(key);
      // A run with more questions has left answers that this score does not count.
      if (known.folder !== undefined && name === undefined) return;
      choice.add(name ?? prediction.id, prediction);
      if (prediction.blank) return;
      answers++;
      right += Number(prediction.correct);
      const second = earlier?.get(key);
      if (second !== undefined) pairs.push({ cluster: name ?? prediction.id, first: prediction.correct, second });
    },
    signal,
  });
  const samples = await readSamples(choice.chosen(), known.folder);
  const isWhole = answers === score.questions && right === score.overall.picture.correct;
  const gained = pairs.length === score.questions ? pairedDifference(pairs) : undefined;
  return { header, gained, samples, notes: notesOnAnswers({ scores, known, samples, cut, isWhole }) };
}

async function readBefore(folder: string, score: ScoreDocument): Promise<ScoreDocument> {
  const before = await readScoreDocument(folder);
  if (before.questions !== score.questions) throw otherQuestions(folder);
  return before;
}

async function readOutcomes(folder: string, signal?: AbortSignal) {
  const outcomes = new Map<string, boolean>();
  const onPrediction = (prediction: Prediction) => {
    if (!prediction.blank) outcomes.set(questionKey(prediction), prediction.correct);
  };
  const { header } = await readPredictions(folder, { onPrediction, signal });
  return { header, outcomes };
}

async function isThere(folder: string): Promise<boolean> {
  return (await stat(join(folder, "predictions.jsonl")).catch(() => undefined)) !== undefined;
}

function otherQuestions(folder: string) {
  const hint = "Score both models on the same questions: the same --data and --limit.";
  return reportError(folder, "scores of the same questions", "those of other ones", hint);
}
