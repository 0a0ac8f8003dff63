import type { CommandTable } from "@fusion-vlm/plugin-kit";
import { TrainEstimate } from "./commands/estimate.ts";
import { Train } from "./commands/train.ts";

/** Command id to class; named by the `oclif` block of package.json. */
export const COMMANDS = { train: Train, "train:estimate": TrainEstimate } satisfies CommandTable;

// Training as a library
export {
  type DataEstimate,
  type EstimateOptions,
  estimateTraining,
  type TimeBasis,
  type TimeEstimate,
  type TrainingEstimate,
} from "./estimate/estimate-training.ts";
export type { MemoryEstimate } from "./estimate/memory-estimate.ts";
export type { MemoryCure } from "./estimate/require-memory.ts";
export type { SkippedRecord } from "./dataset/dataset.ts";
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
