import type { DatasetSummary } from "../dataset/dataset.ts";

/** What a training tells on its way; the same objects are the lines of train-log.jsonl, except `reading`. */
export type TrainEvent =
  | ReadingEvent
  | DataEvent
  | BeginEvent
  | StepEvent
  | SkippedStepEvent
  | EvaluationEvent
  | CheckpointEvent
  | SavingEvent
  | WarningEvent
  | EndEvent;

/** Records of a data file are being checked. */
export interface ReadingEvent {
  readonly type: "reading";
  readonly file: string;
  readonly records: number;
}

/** A data file has been checked; one of a mixing file too. */
export interface DataEvent extends DatasetSummary {
  readonly type: "data";
}

/** Everything is ready for the first step of a stage. */
export interface BeginEvent {
  readonly type: "begin";
  /** `1`, `1.5`, `2`; null for a training without stages. */
  readonly stage: string | null;
  /** Steps that are done already: of the stages before, and of this one where it is resumed. */
  readonly stepsBefore: number;
  readonly model: string;
  readonly parameters: number;
  readonly device: string;
  readonly phases: readonly { readonly name: string; readonly samples: number; readonly shapes: number }[];
  /** Steps of this stage in all; null where only time ends it. */
  readonly steps: number | null;
  /** Every setting as it holds, defaults included. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What the numbers depend on besides: the same settings on the same machine give the same losses. */
  readonly machine: Readonly<Record<string, string | number>>;
}

/** One update. Losses are averages over its batch. */
export interface StepEvent {
  readonly type: "step";
  /** From 1; goes on from stage to stage. */
  readonly step: number;
  readonly stage: string | null;
  /** Data file, and how often it was gone through before. */
  readonly phase: string;
  readonly epoch: number;
  /** Equation (15) and its parts (14), (12), (13). */
  readonly loss: number;
  readonly answer: number;
  readonly visionToText: number;
  readonly textToVision: number;
  /** What each data file of this batch has to do with `answer`. */
  readonly sources: readonly SourceLoss[];
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Q */
  readonly latents: number;
  readonly samples: number;
  readonly answerTokens: number;
  /** Of this step. */
  readonly seconds: number;
  /** This step had a program to compile, as the first of its Q: its time counts in no rate. */
  readonly compiled: boolean;
  /** Over the last steps. */
  readonly samplesPerSecond: number;
  /** 10⁹ additions and multiplications of matrix products per second, forward and backward, padding included. */
  readonly gflops: number;
  /** From 0 to 1. */
  readonly progress: number;
  readonly secondsElapsed: number;
  readonly secondsLeft: number;
}

/** Cross entropy (14) of the samples of one data file. */
export interface SourceLoss {
  readonly source: string;
  /** Averaged over its answer tokens. */
  readonly answer: number;
  readonly answerTokens: number;
}

/** An update that was left out, as its loss or gradient was no number or too large. The parameters are those of the step before. */
export interface SkippedStepEvent {
  readonly type: "skipped-step";
  readonly step: number;
  readonly stage: string | null;
  readonly reason: string;
  readonly loss: number | null;
  readonly gradientNorm: number | null;
  /** The samples of its batch, as messages name them. */
  readonly batch: readonly string[];
}

/** Held-out samples through the model as it is, without gradients. */
export interface EvaluationEvent {
  readonly type: "evaluation";
  /** Steps done. */
  readonly step: number;
  readonly stage: string | null;
  readonly samples: number;
  /** Averages as of a step. */
  readonly loss: number;
  readonly answer: number;
  readonly visionToText: number;
  readonly textToVision: number;
  /** Share of answer tokens that are the likeliest ones, 0 to 1. */
  readonly tokenAccuracy: number;
  /** Share of samples all of whose answer tokens are: those that greedy decoding answers right, 0 to 1. */
  readonly exactMatch: number;
  readonly sources: readonly SourceLoss[];
  /** Better than every evaluation before it. */
  readonly best: boolean;
  readonly seconds: number;
}

/** A checkpoint is complete on the disk. */
export interface CheckpointEvent {
  readonly type: "checkpoint";
  readonly step: number;
  readonly stage: string | null;
  readonly folder: string;
  readonly bytes: number;
  readonly seconds: number;
}

export interface SavingEvent {
  readonly type: "saving";
  readonly folder: string;
}

/** Something that does not stop the training, and that somebody should know. */
export interface WarningEvent {
  readonly type: "warning";
  /** One line. */
  readonly message: string;
}

export interface EndEvent {
  readonly type: "end";
  readonly steps: number;
  readonly samples: number;
  /** Of training, those before a resume included. */
  readonly seconds: number;
  /** The evaluations of the last stage had not become better for as long as its patience. */
  readonly stoppedEarly: boolean;
}
