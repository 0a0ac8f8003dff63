export { type AdafactorOptions, adafactor, adafactorDefaults } from "./adafactor.ts";
export { type AdamWOptions, adamw, adamwDefaults } from "./adamw.ts";
export type { BatchPass } from "./batch-programs.ts";
export { type BatchSizes, gradientGraph } from "./gradient-graph.ts";
export { type Lora, type LoraAdapter, type LoraOptions, loraAdapters } from "./lora.ts";
export { type MuonOptions, muon, muonDefaults } from "./muon.ts";
export type { NamePattern } from "./name-pattern.ts";
export {
  type MomentKind,
  type Optimizer,
  type OptimizerName,
  optimizerNames,
  optimizerStateBytes,
} from "./optimizer.ts";
export {
  type FlatLayout,
  type FlatParameter,
  type GroupOptions,
  type ParameterGroup,
  parameterGroups,
  type StateKind,
  stateLayout,
  stateNames,
} from "./parameter-groups.ts";
export type { ParameterRule } from "./parameter-rule.ts";
export { partPatterns, type TrainedPart } from "./part-patterns.ts";
export {
  constantSchedule,
  cosineSchedule,
  linearSchedule,
  type Schedule,
  type ScheduleName,
  type ScheduleOptions,
  schedules,
} from "./schedule.ts";
export { type BatchOptions, type TrainingBatch, type TrainingSample, trainingBatch } from "./training-batch.ts";
export {
  type ParameterCounts,
  type PassCosts,
  type PlannedPass,
  type TrainingCosts,
  trainingCosts,
} from "./training-costs.ts";
export type { TrainingOptions } from "./training-options.ts";
export {
  type BatchLosses,
  type EvaluationResult,
  type GradientResult,
  type OptimizerState,
  type StepLosses,
  TrainingState,
} from "./training-state.ts";
