import { createRandom } from "@fusion-vlm/core";
import type { ShapeClass } from "./shape-classes.ts";

/** Samples that run through the model together. */
export interface MicroBatch {
  readonly shape: ShapeClass;
  /** Indices of its samples. */
  readonly members: readonly number[];
}

/**
 * Every sample once, in micro-batches of samples of one class, in an order that the seed decides.
 *
 * What is left over of a class goes with the next larger one of its modality, so only one micro-batch of an epoch may be
 * smaller for each modality.
 *
 * @param stream - what the order is for: the same seed and stream give the same order on every machine
 */
export function epochBatches(
  classes: readonly ShapeClass[],
  { size, seed, stream }: { size: number; seed: number; stream: string },
): MicroBatch[] {
  const random = createRandom(seed, `order ${stream}`);
  const batches: MicroBatch[] = [];
  let left: readonly number[] = [];
  for (const [index, shape] of classes.entries()) {
    const members = [...left, ...shuffled(shape.members, random)];
    const isLast = classes[index + 1]?.modality !== shape.modality;
    const whole = isLast ? members.length : members.length - (members.length % size);
    for (let begin = 0; begin < whole; begin += size) {
      batches.push({ shape, members: members.slice(begin, Math.min(begin + size, whole)) });
    }
    left = members.slice(whole);
  }
  return shuffled(batches, random);
}

/** Fisher and Yates. */
function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const result = [...values];
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}
