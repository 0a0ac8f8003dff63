import type { SettledStage } from "../options/settle-options.ts";
import type { ShapeClass } from "./shape-classes.ts";
import { stepsOfEpoch } from "./step-plans.ts";

/** How long each phase of a stage goes on, as far as that is known before it begins. */
export interface PhaseLengths {
  /** Times that its data are gone through; infinite where steps or time end it. */
  readonly epochs: readonly number[];
  readonly stepsOfEpoch: readonly number[];
  /** Steps by its epochs; infinite where steps or time end it. */
  readonly steps: readonly number[];
  /** Its part of `maxSteps` and `maxMinutes`; their sum is 1. */
  readonly shares: readonly number[];
}

export type LengthOptions = Pick<
  SettledStage,
  "data" | "mix" | "epochs" | "maxSteps" | "maxMinutes" | "batchSize" | "microBatch"
>;

/** Without any limit, one epoch; where steps or time are the limit, as many as they allow. */
export function phaseLengths(
  phases: readonly { readonly size: number; readonly classes: readonly ShapeClass[] }[],
  { data, mix, epochs: given, maxSteps, maxMinutes, batchSize, microBatch }: LengthOptions,
): PhaseLengths {
  const common = given ?? (maxSteps === undefined && maxMinutes === undefined ? 1 : Number.POSITIVE_INFINITY);
  const epochs = phases.map((_, index) => (mix ? common : (data[index]!.epochs ?? common)));
  const ofEpoch = phases.map(({ classes }) => stepsOfEpoch(classes, microBatch, batchSize / microBatch));
  const steps = ofEpoch.map((count, index) => count * epochs[index]!);
  const bySteps = steps.every(Number.isFinite) ? steps : phases.map(({ size }) => size);
  const weights = mix || data[0]!.share === undefined ? bySteps : data.map(({ share }) => share!);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return { epochs, stepsOfEpoch: ofEpoch, steps, shares: weights.map((weight) => weight / sum) };
}

/** Steps of each phase, whichever of its epochs and its part of `maxSteps` ends first. */
export function plannedSteps({ steps, shares }: PhaseLengths, maxSteps = Number.POSITIVE_INFINITY): number[] {
  if (maxSteps >= steps.reduce((sum, count) => sum + count, 0)) return [...steps];
  let [share, done] = [0, 0];
  return shares.map((own) => {
    share += own;
    const count = Math.round(maxSteps * share) - done;
    done += count;
    return count;
  });
}
