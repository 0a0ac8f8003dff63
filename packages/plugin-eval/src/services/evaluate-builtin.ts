import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { FusionError, type FusionModel } from "@fusion-vlm/core";
import { inOrder, writeFileAtomic } from "@fusion-vlm/plugin-kit";
import { blankPicture } from "./blank-picture.ts";
import { type BuiltinQuestion, type BuiltinQuestions, readBuiltinQuestions } from "./builtin-questions.ts";
import { type AnsweredQuestion, type KindScore, type Score, scoreOf } from "./builtin-score.ts";
import { exactMatch } from "./exact-match.ts";
import { modelFingerprint } from "./model-fingerprint.ts";
import { type Prediction, PredictionsFile, type PredictionsHeader } from "./predictions-file.ts";

export interface EvaluateBuiltinOptions {
  readonly model: FusionModel;
  /** Folder with heldout.json and its pictures, as `fusion data synth` writes it, or such a file; or its questions, read already. */
  readonly data: string | BuiltinQuestions;
  /** Asks only the first so many questions of a file. */
  readonly limit?: number;
  /** Asks every question about a blank picture too: what can be guessed without looking. */
  readonly blank?: boolean;
  /** Folder for predictions.jsonl, which a later run continues, and score.json. */
  readonly out?: string;
  /** Drops predictions of an earlier run instead of continuing them. */
  readonly restart?: boolean;
  /** Longest answer in tokens; 16 when absent. */
  readonly maxTokens?: number;
  readonly signal?: AbortSignal;
  /** Called before the first answer and after each; `total` is what this run has to answer. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** The document of `fusion eval run --benchmark builtin`. */
export interface BuiltinReport {
  readonly benchmark: "builtin";
  readonly model: string;
  readonly untrained: boolean;
  readonly device: string;
  /** Path of the questions' file, absolute: `fusion eval report` finds the pictures by it. */
  readonly data: string;
  readonly questions: number;
  readonly pictures: number;
  readonly maxTokens: number;
  readonly overall: Score;
  readonly kinds: readonly KindScore[];
  /** Of this run. */
  readonly run: {
    /** Answers taken over from an earlier run. */
    readonly resumed: number;
    readonly answers: number;
    readonly seconds: number;
    readonly answersPerSecond: number | null;
  };
  /** Path of the predictions; null when there was no folder for them. */
  readonly predictions: string | null;
}

export interface BuiltinEvaluation {
  readonly report: BuiltinReport;
  /** In the order of the questions. */
  readonly answers: readonly AnsweredQuestion[];
}

interface Task {
  readonly question: BuiltinQuestion;
  readonly blank: boolean;
}

/** While one answer is computed, the picture of the next is decoded. */
const ahead = 3;

/**
 * Asks a model every question of a held-out split, each on its own and greedily, and counts exact matches.
 *
 * @throws DATASET_INVALID for data that cannot be used; OPTION_INVALID for predictions of another run; IMAGE_NOT_FOUND, WRITE_FAILED; ABORTED by
 *   the signal; whatever `FusionModel.ask` throws
 */
export async function evaluateBuiltin(options: EvaluateBuiltinOptions): Promise<BuiltinEvaluation> {
  const { model, data, limit, blank = false, out, restart, maxTokens = 16, signal, onProgress } = options;
  if (out === "") throw optionError("out", "the name of a folder", '""', "Name a folder, or leave it out.");
  const most = checkedLimit(limit);
  const set = typeof data === "string" ? await readBuiltinQuestions(data, most) : data;
  const tasks = set.questions.flatMap((question) =>
    blank
      ? [
          { question, blank: false },
          { question, blank: true },
        ]
      : [{ question, blank: false }],
  );
  const path = out === undefined ? null : join(out, "predictions.jsonl");
  const header = await headerOf(model, set.fingerprint, maxTokens);
  const file = path === null ? undefined : await PredictionsFile.open(path, header, restart);

  const answered = new Map((file?.earlier ?? []).map((prediction) => [keyOf(prediction), prediction]));
  const left = tasks.filter((task) => !answered.has(keyOfTask(task)));
  // A score stands beside the answers that it was counted from, or not at all.
  if (out !== undefined && left.length > 0) await rm(join(out, "score.json"), { force: true });
  const started = performance.now();
  try {
    onProgress?.({ done: 0, total: left.length });
    let done = 0;
    for await (const prediction of inOrder(left, ahead, answerer(model, maxTokens, signal))) {
      await file?.append(prediction);
      answered.set(keyOf(prediction), prediction);
      onProgress?.({ done: ++done, total: left.length });
    }
  } catch (error) {
    throw path !== null && FusionError.isInstance(error) && error.code === "ABORTED"
      ? keptAnswers(error, path, answered.size, tasks.length)
      : error;
  } finally {
    await file?.close();
  }
  const seconds = (performance.now() - started) / 1000;

  const answers = set.questions.map((question) => joined(question, blank, answered));
  const report: BuiltinReport = {
    benchmark: "builtin",
    model: model.info.source,
    untrained: model.info.untrained,
    device: model.info.device,
    data: resolve(set.file),
    questions: answers.length,
    pictures: new Set(answers.map(({ image }) => image)).size,
    maxTokens,
    ...scoreOf(answers),
    run: {
      resumed: tasks.length - left.length,
      answers: left.length,
      seconds,
      answersPerSecond: left.length > 0 ? left.length / seconds : null,
    },
    predictions: path,
  };
  if (out !== undefined) await writeFileAtomic(join(out, "score.json"), `${JSON.stringify(report, null, 2)}\n`);
  return { report, answers };
}

/** Answers a task. A question asked again about the blank picture has the same answer: nothing is drawn at random. */
function answerer(model: FusionModel, maxTokens: number, signal?: AbortSignal): (task: Task) => Promise<Prediction> {
  const blankAnswers = new Map<string, Promise<string>>();
  const ask = async (question: string, image: string | Uint8Array) =>
    (await model.ask({ image, question, maxTokens, temperature: 0, signal })).text;
  const askBlank = (question: string) => {
    const answer = blankAnswers.get(question) ?? ask(question, blankPicture);
    blankAnswers.set(question, answer);
    return answer;
  };
  return async ({ question: { id, turn, kind, question, expected, image }, blank }) => {
    const answer = await (blank ? askBlank(question) : ask(question, image));
    return { id, turn, blank, kind, question, expected, answer, correct: exactMatch(answer, expected) };
  };
}

/** A run that was stopped says what is there, and that it goes on. */
function keptAnswers({ code, message, details, cause }: FusionError, path: string, answers: number, all: number) {
  return new FusionError({
    code,
    at: "evaluation",
    message: `${message}; ${answers} of ${all} answers are kept in ${path}`,
    hint: "Run the same command again to go on behind them.",
    details,
    cause,
  });
}

function joined(
  question: BuiltinQuestion,
  blank: boolean,
  answered: ReadonlyMap<string, Prediction>,
): AnsweredQuestion {
  const { answer, correct } = answered.get(keyOfTask({ question, blank: false }))!;
  if (!blank) return { ...question, answer, correct };
  const other = answered.get(keyOfTask({ question, blank: true }))!;
  return { ...question, answer, correct, blank: { answer: other.answer, correct: other.correct } };
}

function keyOfTask({ question: { id, turn }, blank }: Task): string {
  return keyOf({ id, turn, blank });
}

function keyOf({ id, turn, blank }: Pick<Prediction, "id" | "turn" | "blank">): string {
  return JSON.stringify([id, turn, blank]);
}

async function headerOf({ info }: FusionModel, data: string, maxTokens: number): Promise<PredictionsHeader> {
  const { device, latents, imageTokens } = info;
  const model = await modelFingerprint(info);
  return {
    benchmark: "builtin",
    data,
    model,
    device,
    semantics: info.config.semantics,
    latents,
    imageTokens,
    maxTokens,
  };
}

function checkedLimit(limit: number | undefined): number | undefined {
  if (limit === undefined || (Number.isSafeInteger(limit) && limit > 0)) return limit;
  throw optionError("limit", "a whole number of 1 or more", `${limit}`, "Leave it out to ask all questions.");
}

function optionError(at: string, expected: string, actual: string, hint: string): FusionError {
  return new FusionError({ code: "OPTION_INVALID", at, expected, actual, hint });
}
