import { createRandom } from "@fusion-vlm/core";
import { epochBatches, type MicroBatch } from "./epoch.ts";
import type { Modality, ShapeClass } from "./shape-classes.ts";

/** What one update is made of. */
export interface StepPlan {
  /** From 0. */
  readonly epoch: number;
  /** Q, the same for the whole batch. */
  readonly latents: number;
  readonly parts: readonly MicroBatch[];
}

export interface StepPlanOptions {
  readonly classes: readonly ShapeClass[];
  readonly microBatch: number;
  /** Micro-batches of a step. */
  readonly partsPerStep: number;
  /** Without end when infinite. */
  readonly epochs: number;
  readonly latentCounts: readonly number[];
  readonly seed: number;
  /** Which part of the training this is: parts of one training draw from streams of their own. */
  readonly stream: string;
}

/** The steps of a number of epochs; Q is drawn anew for each. The last step of an epoch may have fewer parts. */
export function* stepPlans(options: StepPlanOptions): Generator<StepPlan> {
  const { classes, microBatch: size, partsPerStep, epochs, latentCounts, seed, stream } = options;
  const random = createRandom(seed, `latents ${stream}`);
  for (let epoch = 0; epoch < epochs; epoch++) {
    const batches = epochBatches(classes, { size, seed, stream: `${stream}, epoch ${epoch}` });
    for (let begin = 0; begin < batches.length; begin += partsPerStep) {
      const latents = latentCounts[Math.floor(random() * latentCounts.length)]!;
      yield { epoch, latents, parts: batches.slice(begin, begin + partsPerStep) };
    }
  }
}

/** Steps of one epoch; what is left over of a modality is a micro-batch of its own. */
export function stepsOfEpoch(classes: readonly ShapeClass[], microBatch: number, partsPerStep: number): number {
  const samples = new Map<Modality, number>();
  for (const { modality, members } of classes) samples.set(modality, (samples.get(modality) ?? 0) + members.length);
  const parts = [...samples.values()].reduce((sum, count) => sum + Math.ceil(count / microBatch), 0);
  return Math.ceil(parts / partsPerStep);
}
