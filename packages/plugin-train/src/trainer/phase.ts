import { type FusionConfig, FusionError, type ImageTensors } from "@fusion-vlm/core";
import { type TrainingBatch, type TrainingSample, trainingBatch } from "@fusion-vlm/core/train";
import { bucket, leastSizes } from "../batches/batch-sizes.ts";
import type { MicroBatch } from "../batches/epoch.ts";
import { type ShapeClass, shapeClasses } from "../batches/shape-classes.ts";
import type { StepPlan } from "../batches/step-plans.ts";
import type { Dataset, SampleEntry } from "../dataset/dataset.ts";
import { datasetError } from "../dataset/dataset-error.ts";
import type { PictureStore } from "../pictures/picture-store.ts";

/** A step whose data lie ready. */
export interface PreparedStep {
  readonly plan: StepPlan;
  /** Fewer than planned where no sample of a micro-batch can be used; there may be none. */
  readonly parts: readonly PreparedPart[];
}

/** Samples that run together, and where each comes from. */
export interface PreparedPart {
  readonly batch: TrainingBatch;
  /** What losses name the data file of each sample by. */
  readonly sources: readonly string[];
  /** How messages name each sample. */
  readonly names: readonly string[];
}

/** A sample that is left out from its first use on, as its picture cannot be decoded. */
export interface SkippedSample {
  /** How messages name it: `train.json: record 12`. */
  readonly name: string;
  readonly reason: string;
}

export interface PhaseOptions {
  readonly config: FusionConfig;
  readonly pictures: PictureStore;
  /** Most classes of a modality. */
  readonly shapes: number;
  /** Called once for each sample that is left out, in the order of the steps; the step waits for it. */
  readonly onSkipped?: (sample: SkippedSample) => Promise<void> | void;
}

/** A sample that may be in a batch, and where it comes from. */
interface Origin {
  readonly dataset: Dataset;
  readonly entry: SampleEntry;
}

/** One that could be read, one whose picture could not be decoded, or one that is known to be such (neither). */
interface Loaded {
  readonly index: number;
  readonly sample?: TrainingSample;
  readonly failure?: FusionError;
}

interface LoadedPart {
  readonly part?: PreparedPart;
  readonly failed: readonly Loaded[];
}

/** A part of a training with data of its own: one file, or several mixed. */
export class Phase {
  readonly classes: readonly ShapeClass[];
  readonly #options: PhaseOptions;
  readonly #samples: readonly Origin[];
  /** Samples that are left out, by index. */
  readonly #leftOut = new Set<number>();
  /** Settles when the samples of all steps before are counted. */
  #before: Promise<void> = Promise.resolve();

  constructor(
    readonly name: string,
    datasets: readonly Dataset[],
    options: PhaseOptions,
  ) {
    this.#options = options;
    this.#samples = datasets.flatMap((dataset) => dataset.samples.map((entry) => ({ dataset, entry })));
    const counts = options.config.latentCounts.toSorted((a, b) => a - b);
    this.classes = shapeClasses(
      this.#samples.map(({ entry }) => entry),
      { limit: options.shapes, latents: counts[counts.length >> 1]! },
    );
  }

  get size(): number {
    return this.#samples.length;
  }

  /**
   * Reads the samples of a step. Steps may be prepared side by side; what is left out is counted in the order of the calls.
   *
   * A sample whose picture cannot be decoded is left out of its batch, and of every later one; a micro-batch of only such
   * samples is left out.
   *
   * @throws when a sample that is left out is one too many for its data file, and when none is left
   */
  prepare(plan: StepPlan): Promise<PreparedStep> {
    const step = this.#prepare(plan, this.#before);
    this.#before = step.then(() => undefined); // not the step itself, whose tensors would stay
    this.#before.catch(() => undefined); // the caller is told by the step
    return step;
  }

  async #prepare(plan: StepPlan, before: Promise<void>): Promise<PreparedStep> {
    const parts = await Promise.all(plan.parts.map((part) => this.#part(part, plan.latents)));
    await before;
    for (const { index, failure } of parts.flatMap(({ failed }) => failed)) {
      if (failure && !this.#leftOut.has(index)) await this.#leaveOut(index, failure);
    }
    return { plan, parts: parts.flatMap(({ part }) => part ?? []) };
  }

  async #leaveOut(index: number, failure: FusionError): Promise<void> {
    const { dataset, entry } = this.#samples[index]!;
    const { reason } = dataset.leaveOut(entry, failure);
    this.#leftOut.add(index);
    await this.#options.onSkipped?.({ name: dataset.nameOf(entry), reason });
    if (this.#leftOut.size < this.#samples.length) return;
    throw datasetError({
      at: this.name,
      expected: "a sample whose picture can be decoded",
      actual: `none; the last one: ${failure.message}`,
      hint: "Repair or replace the pictures.",
      cause: failure,
    });
  }

  async #part({ shape, members }: MicroBatch, latents: number): Promise<LoadedPart> {
    const loaded = await Promise.all(members.map((index) => this.#load(index)));
    const failed = loaded.filter(({ failure }) => failure !== undefined);
    const read = loaded.flatMap(({ index, sample }) => (sample ? { sample, origin: this.#samples[index]! } : []));
    if (read.length === 0) return { failed };
    const { config } = this.#options;
    const batch = trainingBatch(
      read.map(({ sample }) => sample),
      { config, latents, bucket, atLeast: leastSizes(shape, read.length, latents, config) },
    );
    const part = {
      batch,
      sources: read.map(({ origin }) => origin.dataset.name),
      names: read.map(({ origin: { dataset, entry } }) => dataset.nameOf(entry)),
    };
    return { part, failed };
  }

  async #load(index: number): Promise<Loaded> {
    if (this.#leftOut.has(index)) return { index };
    const { dataset, entry } = this.#samples[index]!;
    const [{ segments, instruction }, picture] = await Promise.all([
      dataset.read(entry),
      entry.picture === undefined ? undefined : this.#picture(dataset.nameOf(entry), entry.picture),
    ]);
    if (picture instanceof FusionError) return { index, failure: picture };
    return { index, sample: { segments, instruction, ...(picture && { picture }) } };
  }

  /** The picture, or what is wrong with its file; anything else that goes wrong is thrown. */
  async #picture(record: string, path: string): Promise<ImageTensors | FusionError> {
    try {
      return await this.#options.pictures.get(path);
    } catch (cause) {
      if (!FusionError.isInstance(cause) || !cause.code.startsWith("IMAGE_")) throw cause;
      return datasetError({
        at: `${record}, image`,
        message: `${record}, image: ${cause.message}`,
        hint: "Repair or replace this picture, or remove the record.",
        cause,
      });
    }
  }
}
