import type { FusionConfig } from "@fusion-vlm/core";
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
  readonly parts: readonly PreparedPart[];
}

/** Samples that run together, and where each comes from. */
export interface PreparedPart {
  readonly batch: TrainingBatch;
  /** The data file of each sample. */
  readonly sources: readonly string[];
  /** How messages name each sample. */
  readonly names: readonly string[];
}

/** A part of a training with data of its own: one file, or several mixed. */
export class Phase {
  readonly classes: readonly ShapeClass[];
  readonly #config: FusionConfig;
  readonly #pictures: PictureStore;
  readonly #samples: readonly { readonly dataset: Dataset; readonly entry: SampleEntry }[];

  constructor(
    readonly name: string,
    datasets: readonly Dataset[],
    { config, pictures, shapes }: { config: FusionConfig; pictures: PictureStore; shapes: number },
  ) {
    this.#config = config;
    this.#pictures = pictures;
    this.#samples = datasets.flatMap((dataset) => dataset.samples.map((entry) => ({ dataset, entry })));
    const counts = config.latentCounts.toSorted((a, b) => a - b);
    this.classes = shapeClasses(
      this.#samples.map(({ entry }) => entry),
      { limit: shapes, latents: counts[counts.length >> 1]! },
    );
  }

  get size(): number {
    return this.#samples.length;
  }

  async prepare(plan: StepPlan): Promise<PreparedStep> {
    return { plan, parts: await Promise.all(plan.parts.map((part) => this.#batch(part, plan.latents))) };
  }

  async #batch({ shape, members }: MicroBatch, latents: number): Promise<PreparedPart> {
    const samples = await Promise.all(members.map((index) => this.#sample(index)));
    const batch = trainingBatch(samples, {
      config: this.#config,
      latents,
      bucket,
      atLeast: leastSizes(shape, members.length, latents, this.#config),
    });
    const origins = members.map((index) => this.#samples[index]!);
    return {
      batch,
      sources: origins.map(({ dataset }) => dataset.file),
      names: origins.map(({ dataset, entry }) => dataset.nameOf(entry)),
    };
  }

  async #sample(index: number): Promise<TrainingSample> {
    const { dataset, entry } = this.#samples[index]!;
    const [{ segments, instruction }, picture] = await Promise.all([
      dataset.read(entry),
      entry.picture === undefined ? undefined : this.#picture(dataset.nameOf(entry), entry.picture),
    ]);
    return { segments, instruction, ...(picture && { picture }) };
  }

  async #picture(record: string, path: string) {
    try {
      return await this.#pictures.get(path);
    } catch (cause) {
      throw datasetError({
        at: `${record}, image`,
        message: `${record}, image: ${cause instanceof Error ? cause.message : String(cause)}`,
        hint: "Repair or replace this picture, or remove the record.",
        cause,
      });
    }
  }
}
