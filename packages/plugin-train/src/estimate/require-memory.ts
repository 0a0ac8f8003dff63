import { FusionError } from "@fusion-vlm/core";
import { availableMemory, formatBytes } from "@fusion-vlm/plugin-kit";
import type { MemoryEstimate } from "./memory-estimate.ts";
import { countTraining, type MemorySettings, type PlannedTraining } from "./planned-training.ts";

/** A setting that would make a training fit. */
export interface MemoryCure {
  /** As on the command line. */
  readonly flags: string;
  /** Bytes that the training takes with it. */
  readonly total: number;
}

/**
 * Refuses a training that this machine's memory cannot hold, before it takes any.
 *
 * @param available - bytes that this process may hold; what the machine says when absent
 * @throws MEMORY_INSUFFICIENT with what is needed, what there is, and the mildest setting that makes it fit
 */
export function requireMemory(training: PlannedTraining, available: number = availableMemory()): void {
  const { memory } = countTraining(training);
  if (memory.total > available) throw memoryError(memory, available, memoryCure(training, available));
}

/** The error of a training that does not fit. */
export function memoryError(memory: MemoryEstimate, available: number, cure: MemoryCure | undefined): FusionError {
  return new FusionError({
    code: "MEMORY_INSUFFICIENT",
    at: "training",
    expected: `${formatBytes(memory.total)} of available memory`,
    actual: `${formatBytes(available)}`,
    hint: cure
      ? `Train with ${cure.flags}, which takes ${formatBytes(cure.total)}.`
      : "Train a smaller model, or shorter samples, or on a machine with more memory: no setting makes this one fit.",
    details: { memory, available, cure: cure ?? null },
  });
}

interface Candidate {
  readonly flags: string;
  readonly settings: Partial<MemorySettings>;
}

/** The mildest setting under which a training fits; undefined when none does. */
export function memoryCure(training: PlannedTraining, available: number): MemoryCure | undefined {
  const { alone, together } = candidates(training);
  const fitting = ({ flags, settings }: Candidate): MemoryCure | undefined => {
    const { total } = countTraining(training, settings).memory;
    return total <= available ? { flags, total } : undefined;
  };
  const all = together.at(-1);
  const last = all && fitting(all);
  if (!last) return undefined; // where all of them together do not help, nothing does
  for (const candidate of [...alone, ...together.slice(0, -1)]) {
    const cure = fitting(candidate);
    if (cure) return cure;
  }
  return last;
}

/**
 * Settings from the mildest on, each alone and then more and more of them together: fewer pictures kept, smaller parts of a batch
 * (the same losses), layers computed again (the same losses, more work), then an optimiser and adapters that learn otherwise.
 */
function candidates({ options }: PlannedTraining): { alone: Candidate[]; together: Candidate[] } {
  const { batchSize, microBatch, pictureCacheBytes, checkpointing = false, optimizer = "adamw", lora } = options;
  const smaller = Array.from({ length: microBatch - 1 }, (_, index) => microBatch - 1 - index);
  const parts = smaller
    .filter((size) => batchSize % size === 0)
    .map((size) => ({ flags: `--micro-batch ${size}`, settings: { microBatch: size } }));
  const pictures = { flags: "--picture-cache 0", settings: { pictureCacheBytes: 0 } };
  const again = { flags: "--gradient-checkpointing", settings: { checkpointing: true } };
  const factored: Candidate = {
    flags: "--optimizer adafactor",
    // It takes no options of AdamW.
    settings: { optimizer: "adafactor", beta1: undefined, beta2: undefined, epsilon: undefined },
  };
  const adapters = {
    flags: "--lora-rank 16",
    settings: { lora: { rank: 16, alpha: 32, targets: ["model.layers.*.weight"] } },
  };
  const keeping = [...(pictureCacheBytes > 0 ? [pictures] : [])];
  const computing = [...(checkpointing ? [] : [again])];
  const learning = [...(optimizer === "adamw" ? [factored] : [])];
  const steps = [...keeping, ...computing, ...parts.slice(-1), ...learning, ...(lora ? [] : [adapters])];
  return {
    alone: [...keeping, ...parts, ...computing, ...learning],
    together: steps.map((_, index) => ({
      flags: steps
        .slice(0, index + 1)
        .map(({ flags }) => flags)
        .join(" "),
      settings: Object.assign(
        {},
        ...steps.slice(0, index + 1).map(({ settings }) => settings),
      ) as Candidate["settings"],
    })),
  };
}
