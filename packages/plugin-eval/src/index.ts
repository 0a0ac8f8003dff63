import type { CommandTable } from "@fusion-vlm/plugin-kit";
import { EvalReport } from "./commands/eval/report.ts";
import { EvalRun } from "./commands/eval/run.ts";

/** Command id to class; named by the `oclif` block of package.json. */
export const COMMANDS = {
  "eval:report": EvalReport,
  "eval:run": EvalRun,
} satisfies CommandTable;

// The built-in benchmark
export type { BuiltinQuestion } from "./services/builtin-questions.ts";
export { readBuiltinQuestions } from "./services/builtin-questions.ts";
export type { AnsweredQuestion, KindScore, Proportion, Score } from "./services/builtin-score.ts";
export {
  type BuiltinEvaluation,
  type BuiltinReport,
  type EvaluateBuiltinOptions,
  evaluateBuiltin,
} from "./services/evaluate-builtin.ts";
export type { Prediction, PredictionsHeader } from "./services/predictions-file.ts";

// Scores
export { exactMatch } from "./services/exact-match.ts";
export { type AnswerPair, type PairedDifference, pairedDifference } from "./services/paired-difference.ts";
export { type Interval, wilson } from "./services/wilson.ts";

// Reports
export { reportPage } from "./presenters/report-page.ts";
export { gatherReport, type ReportContent, type ReportOptions } from "./services/gather-report.ts";
export type { ScoreDocument } from "./services/score-document.ts";
export type { TrainingLog } from "./services/training-log.ts";
