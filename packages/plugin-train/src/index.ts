import type { CommandTable } from "@fusion-vlm/plugin-kit";
import { Train } from "./commands/train.ts";

/** Command id to class; named by the `oclif` block of package.json. */
export const COMMANDS = { train: Train } satisfies CommandTable;

// Training as a library
export type { DatasetFingerprint, DatasetSummary, SkippedRecord } from "./dataset/dataset.ts";
export type { DuplicateIdCount } from "./dataset/duplicate-ids.ts";
export type {
  BeginEvent,
  DataEvent,
  EndEvent,
  ReadingEvent,
  SavingEvent,
  StepEvent,
  TrainEvent,
  WarningEvent,
} from "./trainer/train-events.ts";
export { type TrainResult, trainModel } from "./trainer/train-model.ts";
export type { TrainingData, TrainOptions } from "./trainer/train-options.ts";
