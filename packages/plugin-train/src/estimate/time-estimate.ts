import type { FusionConfig } from "@fusion-vlm/core";
import type { TrainingCosts } from "@fusion-vlm/core/train";
import { type PlannedWork, sizesKey, sizesOf, type WorkPhase } from "./planned-work.ts";
import type { MeasuredKind, StepKind } from "./probe-steps.ts";

/** How often a step of some kind occurs, and what it takes. */
export interface WorkItem extends StepKind {
  /** Steps of this kind in the whole training, a fraction as Q is drawn; infinite where only time ends it. */
  readonly steps: number;
  /** Multiplications and additions of one step. */
  readonly flops: number;
}

/**
 * The steps of a training by kind: as many parts of a shape as an epoch has of it, under each Q equally often.
 *
 * Steps in several parts mix shapes; here each is counted as steps of one shape alone, which takes the same time in all.
 */
export function workItems(
  work: PlannedWork,
  costs: TrainingCosts,
  {
    config,
    phases,
    parts,
    microBatch,
  }: { config: FusionConfig; phases: readonly WorkPhase[]; parts: number; microBatch: number },
): WorkItem[] {
  const flops = new Map<string, number>();
  for (const pass of costs.passes) {
    for (const [index, sizes] of pass.sizes.entries()) {
      flops.set(`${pass.latents}: ${sizesKey(sizes)}`, pass.flops[index]!);
    }
  }
  const items = new Map<string, WorkItem>();
  for (const kind of work.kinds) {
    const { phase, shape, samples } = kind;
    const { steps, stepsOfEpoch } = work.phases[phase]!;
    if (steps === 0) continue;
    const partsOfEpoch = ((kind.first + kind.further) * samples) / microBatch;
    const own = (partsOfEpoch / totalParts(work, phase, microBatch)) * (Number.isFinite(steps) ? steps : stepsOfEpoch);
    for (const latents of config.latentCounts) {
      const key = `${phase} ${shape} ${latents}`;
      const known = items.get(key)?.steps ?? 0;
      const each = flops.get(`${latents}: ${sizesKey(sizesOf(kind, phases, latents, config))}`)!;
      items.set(key, {
        ...{ phase, shape, latents },
        steps: known + own / config.latentCounts.length,
        flops: Math.max(items.get(key)?.flops ?? 0, each * parts),
      });
    }
  }
  return [...items.values()];
}

function totalParts({ kinds }: PlannedWork, phase: number, microBatch: number): number {
  const own = kinds.filter((kind) => kind.phase === phase);
  return own.reduce((sum, { first, further, samples }) => sum + ((first + further) * samples) / microBatch, 0);
}

/** Kinds to measure: all of them, or where these are many those of the smallest, the middle and the largest Q. */
export function kindsToMeasure(items: readonly WorkItem[], most: number): WorkItem[] {
  if (items.length <= most) return [...items];
  const counts = [...new Set(items.map(({ latents }) => latents))].toSorted((a, b) => a - b);
  const kept = new Set([counts[0], counts[counts.length >> 1], counts.at(-1)]);
  return items.filter(({ latents }) => kept.has(latents));
}

/** Mean seconds of a step: kinds by how often they occur; what was not measured at the speed of what is nearest to it. */
export function secondsOfStep(
  items: readonly WorkItem[],
  measured: readonly (MeasuredKind & { flops: number })[],
): number {
  let [seconds, steps] = [0, 0];
  for (const item of items) {
    const alike = measured.filter(({ phase, shape }) => phase === item.phase && shape === item.shape);
    const distance = ({ latents }: StepKind) => Math.abs(latents - item.latents);
    const nearest = alike.toSorted((a, b) => distance(a) - distance(b))[0]!;
    seconds += item.steps * nearest.seconds * (item.flops / nearest.flops);
    steps += item.steps;
  }
  return seconds / steps;
}

/** Mean operations of a step. */
export function flopsOfStep(items: readonly WorkItem[]): number {
  const steps = items.reduce((sum, item) => sum + item.steps, 0);
  return items.reduce((sum, item) => sum + item.steps * item.flops, 0) / steps;
}

/**
 * Share of the matrix peak that a training step reaches, by the width of the language model: what docs/performance.md measures
 * for narrow models (0.29 at 160, 0.43 at 320), and at most that of inference with wide ones (0.66).
 */
export function stepEfficiency({ language }: Pick<FusionConfig, "language">): number {
  return Math.min(0.66, language.hiddenSize / (language.hiddenSize + 400));
}
