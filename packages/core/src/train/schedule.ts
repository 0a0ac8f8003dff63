import { FusionError } from "../errors/index.ts";

/** Learning rate of a step, counted from 0. */
export type Schedule = (step: number) => number;

export interface ScheduleOptions {
  readonly peak: number;
  readonly totalSteps: number;
  /** Share of the steps over which the rate rises linearly from 0; 0.03 in the paper. */
  readonly warmupRatio?: number;
}

/** Linear warm-up, then half a cosine down to 0 (transformers `get_cosine_schedule_with_warmup`). */
export function cosineSchedule({ peak, totalSteps, warmupRatio = 0.03 }: ScheduleOptions): Schedule {
  const valid =
    peak >= 0 &&
    peak < Number.POSITIVE_INFINITY &&
    Number.isInteger(totalSteps) &&
    totalSteps >= 1 &&
    warmupRatio >= 0 &&
    warmupRatio <= 1;
  if (!valid) {
    throw new FusionError({
      code: "OPTION_INVALID",
      at: "learning-rate schedule",
      expected: "a rate of 0 or more, at least one step, and a warm-up ratio from 0 to 1",
      actual: `rate ${peak}, ${totalSteps} steps, warm-up ${warmupRatio}`,
      hint: "Correct these training options.",
    });
  }
  const warmup = Math.ceil(totalSteps * warmupRatio);
  return (step) => {
    if (step < warmup) return (peak * step) / Math.max(1, warmup);
    const progress = (step - warmup) / Math.max(1, totalSteps - warmup);
    return peak * Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
  };
}
