import type { FusionConfig } from "@fusion-vlm/core";
import type { BatchSizes, PlannedPass } from "@fusion-vlm/core/train";
import { paddedSizes } from "../batches/batch-sizes.ts";
import { epochBatches } from "../batches/epoch.ts";
import type { ShapeClass } from "../batches/shape-classes.ts";
import { stepsOfEpoch } from "../batches/step-plans.ts";
import type { SettledOptions, TrainingData } from "../trainer/train-options.ts";

/** What the work of a training follows from: its samples by phase and shape. */
export interface WorkPhase {
  readonly name: string;
  /** Samples. */
  readonly size: number;
  readonly classes: readonly ShapeClass[];
}

/** Micro-batches of one shape class and one size, within a phase. */
export interface BatchKind {
  readonly phase: number;
  /** Index of its shape class. */
  readonly shape: number;
  readonly samples: number;
  /** How many of an epoch come first in their step, and how many after others. */
  readonly first: number;
  readonly further: number;
}

export interface PhaseWork {
  readonly name: string;
  /** Infinite where only time ends it. */
  readonly steps: number;
  readonly stepsOfEpoch: number;
  readonly samples: number;
}

/** A training as counts: how many batches of which shape, before any of them exists. */
export interface PlannedWork {
  readonly phases: readonly PhaseWork[];
  readonly kinds: readonly BatchKind[];
  /** Infinite where only time ends it. */
  readonly steps: number;
}

interface LengthOptions
  extends Pick<SettledOptions, "mix" | "epochs" | "maxSteps" | "maxMinutes" | "batchSize" | "microBatch" | "seed"> {
  readonly data: readonly TrainingData[];
}

/** Counts the batches of one epoch of each phase, and the steps that the options make of them. */
export function plannedWork(phases: readonly WorkPhase[], options: LengthOptions): PlannedWork {
  const { batchSize, microBatch, seed } = options;
  const parts = batchSize / microBatch;
  const epochSteps = phases.map(({ size }) => stepsOfEpoch(size, microBatch, parts));
  const steps = stepsOfPhases(phases, epochSteps, options);
  return {
    phases: phases.map(({ name, size }, index) => ({
      name,
      steps: steps[index]!,
      stepsOfEpoch: epochSteps[index]!,
      samples: size,
    })),
    kinds: phases.flatMap(({ classes }, phase) => kindsOf(classes, { phase, microBatch, parts, seed })),
    steps: steps.reduce((sum, count) => sum + count, 0),
  };
}

/** As a training sets them: whichever of epochs and steps ends first, and steps divided by shares. */
function stepsOfPhases(
  phases: readonly WorkPhase[],
  epochSteps: readonly number[],
  { data, mix, epochs, maxSteps, maxMinutes }: LengthOptions,
): number[] {
  const common = epochs ?? (maxSteps === undefined && maxMinutes === undefined ? 1 : Number.POSITIVE_INFINITY);
  const byEpochs = epochSteps.map((steps, index) => steps * (mix ? common : (data[index]!.epochs ?? common)));
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  if (maxSteps === undefined || maxSteps >= sum(byEpochs)) return byEpochs;
  const bySteps = byEpochs.every(Number.isFinite) ? byEpochs : phases.map(({ size }) => size);
  const isShared = !mix && data[0]!.share !== undefined;
  const weights = isShared ? data.map(({ share }) => share!) : bySteps;
  let [weight, done] = [0, 0];
  return weights.map((own) => {
    weight += own;
    const steps = Math.round((maxSteps * weight) / sum(weights)) - done;
    done += steps;
    return steps;
  });
}

function kindsOf(
  classes: readonly ShapeClass[],
  { phase, microBatch, parts, seed }: { phase: number; microBatch: number; parts: number; seed: number },
): BatchKind[] {
  const kinds = new Map<string, { shape: number; samples: number; first: number; further: number }>();
  const batches = epochBatches(classes, { size: microBatch, seed, stream: `phase ${phase}, epoch 0` });
  for (const [index, { shape, members }] of batches.entries()) {
    const key = `${classes.indexOf(shape)} ${members.length}`;
    const kind = kinds.get(key) ?? {
      shape: classes.indexOf(shape),
      samples: members.length,
      first: 0,
      further: 0,
    };
    if (index % parts === 0) kind.first += 1;
    else kind.further += 1;
    kinds.set(key, kind);
  }
  return [...kinds.values()].map((kind) => ({ phase, ...kind }));
}

/** The programs that a training runs batches through, each with all shapes that reach it. */
export function plannedPasses(
  { kinds }: Pick<PlannedWork, "kinds">,
  phases: readonly WorkPhase[],
  config: Pick<FusionConfig, "semantics" | "latentCounts">,
): PlannedPass[] {
  return config.latentCounts.flatMap((latents) =>
    (["first", "further"] as const).flatMap((pass): PlannedPass[] => {
      const own = kinds.filter((kind) => kind[pass] > 0);
      if (own.length === 0) return [];
      return [{ pass, latents, sizes: distinct(own.map((kind) => sizesOf(kind, phases, latents, config))) }];
    }),
  );
}

/** The sizes of a kind of batch. */
export function sizesOf(
  { phase, shape, samples }: BatchKind,
  phases: readonly WorkPhase[],
  latents: number,
  config: Pick<FusionConfig, "semantics">,
): BatchSizes {
  return paddedSizes(phases[phase]!.classes[shape]!, samples, latents, config);
}

/** One name for equal sizes. */
export function sizesKey({ B, I, M, R, S, T }: BatchSizes): string {
  return [B, I, M, R, S, T].join(" ");
}

function distinct(sizes: readonly BatchSizes[]): BatchSizes[] {
  return [...new Map(sizes.map((each) => [sizesKey(each), each])).values()];
}
