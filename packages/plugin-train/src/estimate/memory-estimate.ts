import type { FusionConfig } from "@fusion-vlm/core";
import type { BatchSizes, TrainingCosts } from "@fusion-vlm/core/train";

/** What a training holds in memory at its peak, in bytes. */
export interface MemoryEstimate {
  /** Node, the engine and the threads that prepare pictures, before there is a model. */
  readonly process: number;
  /** Programs as the engine holds them: nodes, not numbers. */
  readonly programs: number;
  readonly parameters: number;
  readonly gradients: number;
  readonly moments: number;
  /** Intermediate values: each program keeps those of its largest batch. */
  readonly activations: number;
  /** Results of the update on their way into the parameters. */
  readonly update: number;
  /** Batches made ready ahead. */
  readonly batches: number;
  /** Prepared pictures that are kept. */
  readonly pictures: number;
  /** Places and lengths of all samples. */
  readonly samples: number;
  /** Copies of the parameters while the model is written. */
  readonly saving: number;
  readonly total: number;
}

export interface MemoryInputs {
  readonly config: FusionConfig;
  readonly costs: TrainingCosts;
  /** All data files together. */
  readonly samples: number;
  /** Different pictures that the training sees. */
  readonly pictures: number;
  readonly pictureCacheBytes: number;
  /** Micro-batches of a step. */
  readonly parts: number;
}

/*
 * Figures of a process that nothing but measuring tells: Node 20, ONNX Runtime 1.30, Linux; how they were found stands in
 * docs/training.md.
 */
/** Engine, two picture threads, the tokenizer, the command line. */
const processBytes = 300e6;
/** A node of a compiled program with its kernel, and of the graph that it was made from. */
const bytesOfNode = 10_000;
/** Index entries with their paths. */
const bytesOfSample = 700;
/** The engine's allocator cannot fill every gap. */
const fragmentation = 1.1;
/** Steps whose batches lie ready or are on their way to the engine, and what the collector has not fetched yet. */
const batchesInFlight = 8;

/** Adds up what is known from graphs, shapes and options. */
export function memoryEstimate(inputs: MemoryInputs): MemoryEstimate {
  const { config, costs, samples, pictures, pictureCacheBytes, parts } = inputs;
  const largest = costs.passes.map(({ activations }) => Math.max(...activations));
  const nodes = costs.passes.reduce((sum, pass) => sum + pass.nodes, 0);
  const batchBytes = costs.passes.flatMap(({ sizes }) => sizes).map((sizes) => bytesOfBatch(sizes, config));
  const held = {
    process: processBytes,
    programs: nodes * bytesOfNode,
    parameters: costs.parameterBytes,
    gradients: costs.gradientBytes,
    moments: costs.momentBytes,
    activations: fragmentation * largest.reduce((sum, bytes) => sum + bytes, 0),
    update: costs.updateBytes,
    batches: batchesInFlight * parts * Math.max(0, ...batchBytes),
    pictures: Math.min(pictureCacheBytes, pictures * pictureBytes(config)),
    samples: samples * bytesOfSample,
    saving: 2 * costs.parameterBytes,
  };
  const rounded = Object.fromEntries(Object.entries(held).map(([part, bytes]) => [part, Math.round(bytes)]));
  return {
    ...(rounded as typeof held),
    total: Object.values(rounded).reduce((sum, bytes) => sum + bytes, 0),
  };
}

/** Bytes of a prepared picture as it is kept: the whole image and four parts, three channels of 8 bits. */
export function pictureBytes({ vision }: Pick<FusionConfig, "vision">): number {
  return 5 * 3 * vision.imageSize ** 2;
}

/** Pixels in float32, and a dozen whole numbers for each row. */
function bytesOfBatch({ B, S }: BatchSizes, config: FusionConfig): number {
  return B * (4 * pictureBytes(config) + 12 * 8 * S);
}
