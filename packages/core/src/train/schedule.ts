import { FusionError } from "../errors/index.ts";

/** Learning rate of a step, counted from 0. */
export type Schedule = (step: number) => number;

export interface ScheduleOptions {
  readonly peak: number;
  readonly totalSteps: number;
  /** Share of the steps over which the rate rises linearly from 0; 0.03 in the paper. */
  readonly warmupRatio?: number;
}

/** Linear warm-up, then half a cosine down to 0 (transformers `get_cosine_schedule_with_warmup`); the paper's. */
export function cosineSchedule(options: ScheduleOptions): Schedule {
  return warmedUp(options, (progress) => Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress))));
}

/** Linear warm-up, then a straight line down to 0 (transformers `get_linear_schedule_with_warmup`). */
export function linearSchedule(options: ScheduleOptions): Schedule {
  return warmedUp(options, (progress) => Math.max(0, 1 - progress));
}

/** Linear warm-up, then the peak (transformers `get_constant_schedule_with_warmup`). */
export function constantSchedule(options: ScheduleOptions): Schedule {
  return warmedUp(options, () => 1);
}

/** Every schedule by the name that a configuration calls it. */
export const schedules = {
  cosine: cosineSchedule,
  linear: linearSchedule,
  constant: constantSchedule,
} as const satisfies Readonly<Record<string, (options: ScheduleOptions) => Schedule>>;

export type ScheduleName = keyof typeof schedules;

/** @param factor - of the peak, by the share of the steps after the warm-up that are done; above 1 past the last step */
function warmedUp(options: ScheduleOptions, factor: (progress: number) => number): Schedule {
  const { peak, totalSteps, warmupRatio = 0.03 } = options;
  requireSchedule(peak, totalSteps, warmupRatio);
  const warmup = Math.ceil(totalSteps * warmupRatio);
  return (step) => {
    if (step < warmup) return (peak * step) / Math.max(1, warmup);
    return peak * factor((step - warmup) / Math.max(1, totalSteps - warmup));
  };
}

function requireSchedule(peak: number, totalSteps: number, warmupRatio: number): void {
  const valid =
    peak >= 0 &&
    peak < Number.POSITIVE_INFINITY &&
    Number.isInteger(totalSteps) &&
    totalSteps >= 1 &&
    warmupRatio >= 0 &&
    warmupRatio <= 1;
  if (valid) return;
  throw new FusionError({
    code: "OPTION_INVALID",
    at: "learning-rate schedule",
    expected: "a rate of 0 or more, at least one step, and a warm-up ratio from 0 to 1",
    actual: `rate ${peak}, ${totalSteps} steps, warm-up ${warmupRatio}`,
    hint: "Correct these training options.",
  });
}
