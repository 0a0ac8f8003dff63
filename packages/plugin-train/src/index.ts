import type { CommandTable } from "@fusion-vlm/plugin-kit";
import { Train } from "./commands/train.ts";

/** Command id to class; named by the `oclif` block of package.json. */
export const COMMANDS = { train: Train } satisfies CommandTable;

// Training as a library
export type { SkippedRecord } from "./dataset/dataset.ts";
export type {
  BeginEvent,
  CheckpointEvent,
  DataEvent,
  EndEvent,
  EvaluationEvent,
  ReadingEvent,
  SavingEvent,
  SkippedStepEvent,
  SourceLoss,
  StepEvent,
  TrainEvent,
  WarningEvent,
} from "./trainer/train-events.ts";
export { type TrainResult, trainModel } from "./trainer/train-model.ts";
export type { TrainingData, TrainOptions } from "./trainer/train-options.ts";

// The page of a training
export { LivePage, type LivePageOptions, pageFile } from "./page/live-page.ts";
export { TrainingHistory } from "./page/training-history.ts";
export { type TrainingPageOptions, trainingPage } from "./page/training-page.ts";
