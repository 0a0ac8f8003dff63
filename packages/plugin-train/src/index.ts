import type { CommandTable } from "@fusion-vlm/plugin-kit";
import { TrainEstimate } from "./commands/estimate.ts";
import { TrainResume } from "./commands/resume.ts";
import { Train } from "./commands/train.ts";

/** Command id to class; named by the `oclif` block of package.json. */
export const COMMANDS = {
  train: Train,
  "train:estimate": TrainEstimate,
  "train:resume": TrainResume,
} satisfies CommandTable;

// Training as a library
export type { DatasetFingerprint, DatasetSummary, SkippedRecord } from "./dataset/dataset.ts";
export type { DuplicateIdCount } from "./dataset/duplicate-ids.ts";
export {
  type DataEstimate,
  type EstimateOptions,
  estimateTraining,
  type StageEstimate,
  type TimeBasis,
  type TimeEstimate,
  type TrainingEstimate,
} from "./estimate/estimate-training.ts";
export type { MemoryEstimate } from "./estimate/memory-estimate.ts";
export type { MemoryCure } from "./estimate/require-memory.ts";
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
export { type RecipeName, type StageName, stageNames } from "./options/stage-names.ts";
export { stagePresets } from "./options/stage-presets.ts";
export type {
  DivergencePolicy,
  KeepingOptions,
  StageOptions,
  TrainingData,
  TrainOptions,
} from "./options/train-options.ts";
export { type ResumeOptions, resumeTraining, trainModel } from "./trainer/train-model.ts";
export type { StageResult, TrainResult } from "./trainer/train-result.ts";

// The page of a training
export { LivePage, type LivePageOptions, pageFile } from "./page/live-page.ts";
export { TrainingHistory } from "./page/training-history.ts";
export { type TrainingPageOptions, trainingPage } from "./page/training-page.ts";
