import { defaultLatents, type FusionConfig } from "@fusion-vlm/core";
import type { BatchSizes, PlannedPass } from "@fusion-vlm/core/train";
import { paddedSizes } from "../batches/batch-sizes.ts";
import { epochBatches } from "../batches/epoch.ts";
import { type LengthOptions, phaseLengths, plannedSteps } from "../batches/phase-lengths.ts";
import type { ShapeClass } from "../batches/shape-classes.ts";

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

/** Counts the batches of one epoch of each phase, and the steps that the options make of them. */
export function plannedWork(
  phases: readonly WorkPhase[],
  options: LengthOptions & { readonly seed: number },
): PlannedWork {
  const { batchSize, microBatch, seed, maxSteps } = options;
  const lengths = phaseLengths(phases, options);
  const steps = plannedSteps(lengths, maxSteps);
  return {
    phases: phases.map(({ name, size }, index) => ({
      name,
      steps: steps[index]!,
      stepsOfEpoch: lengths.stepsOfEpoch[index]!,
      samples: size,
    })),
    kinds: phases.flatMap(({ classes }, phase) => {
      return kindsOf(classes, { phase, microBatch, parts: batchSize / microBatch, seed });
    }),
    steps: steps.reduce((sum, count) => sum + count, 0),
  };
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

/** The program that held-out samples run through. */
export function evaluationPasses(
  heldout: WorkPhase | undefined,
  config: FusionConfig,
  microBatch: number,
): PlannedPass[] {
  if (!heldout) return [];
  const latents = defaultLatents(config);
  const sizes = heldout.classes.map((shape) =>
    paddedSizes(shape, Math.min(microBatch, shape.members.length), latents, config),
  );
  return [{ pass: "evaluation", latents, sizes: distinct(sizes) }];
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
