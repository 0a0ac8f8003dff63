import type { FloatDtype } from "@fusion-vlm/core";
import type { StageName } from "../options/stage-names.ts";
import type { EvaluationEvent, StepEvent } from "./train-events.ts";

/** What has come of a stage. */
export interface StageResult {
  /** Null for a training without stages. */
  readonly stage: StageName | null;
  /** Of this stage alone. */
  readonly steps: number;
  readonly seconds: number;
  /** Its evaluations had not become better for as long as its patience. */
  readonly stoppedEarly: boolean;
  /** Numbers of its last step; absent where a training that was resumed had no step of it left to do. */
  readonly last?: StepEvent;
  /** Its last evaluation. */
  readonly evaluation?: EvaluationEvent;
}

export interface TrainResult {
  readonly folder: string;
  readonly parameters: number;
  readonly dtype: FloatDtype;
  /** Of all stages, those before a resume included. */
  readonly steps: number;
  readonly samples: number;
  /** Of training, those before a resume included. */
  readonly seconds: number;
  /** Those that this process has trained. */
  readonly stages: readonly StageResult[];
  /** The step that this process went on behind; 0 for a training from the beginning. */
  readonly resumedAt: number;
  /** Samples left out of the data that this process has read, as they are too long or cannot be read. */
  readonly skipped: number;
  /** What did not stop the training, and somebody should know. */
  readonly warnings: readonly string[];
}
