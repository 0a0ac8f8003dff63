export { type BatchSizes, gradientGraph } from "./gradient-graph.ts";
export {
  type FlatParameter,
  type GroupOptions,
  type ParameterGroup,
  parameterGroups,
  stateNames,
} from "./parameter-groups.ts";
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
export { type StepLosses, type StepResult, type TrainingOptions, TrainingState } from "./training-state.ts";
export type { StateKind } from "./training-tensors.ts";
export { type AdamWOptions, adamwDefaults, updateGraph } from "./update-graph.ts";
