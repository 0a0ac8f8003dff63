import { FusionError } from "@fusion-vlm/core";
import { tinyConfig } from "@fusion-vlm/core/testing";
import { describe, expect, test } from "vitest";
import { shapeClasses } from "../batches/shape-classes.ts";
import { settleOptions } from "../options/settle-options.ts";
import type { TrainOptions } from "../options/train-options.ts";
import { countTraining, type PlannedTraining, workOptions } from "./planned-training.ts";
import { memoryCure, requireMemory } from "./require-memory.ts";

/** A thousand samples of one length, each with its own picture. */
function training(options: Partial<TrainOptions> = {}): PlannedTraining {
  const samples = Array.from({ length: 1000 }, (_, record) => ({
    ...{ record, offset: 0, length: 1, picture: `${record}.png` },
    ...{ tokens: 200, rows: 216, questions: 4, instruction: 40, answers: 20 },
  }));
  const settled = settleOptions({
    preset: "nano",
    data: ["x.json"],
    out: "x",
    batchSize: 64,
    microBatch: 64,
    ...options,
  });
  return {
    config: { ...tinyConfig(), latentCounts: [16] },
    options: workOptions(settled.learning.stages[0]!, settled),
    datasets: [{ samples }],
    phases: [{ name: "x.json", size: 1000, classes: shapeClasses(samples, { limit: 1, latents: 16 }) }],
  };
}

const total = (of: PlannedTraining) => countTraining(of).memory.total;

describe("memory", () => {
  test("is the sum of its parts", () => {
    const { total: all, ...parts } = countTraining(training()).memory;

    expect(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)).toBe(all);
  });

  test("is counted for each Q, and for first and further parts", () => {
    const { activations } = countTraining(training({ batchSize: 64, microBatch: 32 })).memory;
    const alone = countTraining(training({ batchSize: 32, microBatch: 32 })).memory.activations;
    const two = { ...training({ batchSize: 32, microBatch: 32 }), config: { ...tinyConfig(), latentCounts: [16, 64] } };

    expect(activations / alone).toBeCloseTo(2, 2);
    expect(countTraining(two).memory.activations).toBeGreaterThan(2 * alone);
  });

  test("holds no more pictures than fit into the cache, or than there are", () => {
    const side = tinyConfig().vision.imageSize;

    expect(countTraining(training()).memory.pictures).toBe(1000 * 15 * side ** 2);
    expect(countTraining(training({ maxSteps: 2 })).memory.pictures).toBe(128 * 15 * side ** 2);
    expect(countTraining(training({ pictureCacheBytes: 1234 })).memory.pictures).toBe(1234);
  });

  test.each([
    ["smaller parts", { microBatch: 8 }],
    ["gradient checkpointing", { checkpointing: true }],
    ["adafactor", { optimizer: "adafactor" as const }],
    ["adapters", { lora: { rank: 2, alpha: 4, targets: "model.layers.*.weight" } }],
  ])("falls with %s", (_, options) => {
    expect(total(training(options))).toBeLessThan(total(training()));
  });
});

describe("a training that does not fit", () => {
  test("is refused with what it needs, what there is, and a cure", () => {
    const available = total(training({ microBatch: 16, pictureCacheBytes: 0 }));
    const refused = training({ pictureCacheBytes: 0 });

    const error = failure(() => requireMemory(refused, available));

    expect(error.code).toBe("MEMORY_INSUFFICIENT");
    expect(error.message).toMatch(/^training: expected 1\.0 GiB of available memory, got [\d.]+ MiB$/);
    expect(error.hint).toMatch(/^Train with --micro-batch 16, which takes [\d.]+ MiB\.$/);
    expect(error.details).toMatchObject({ available, cure: { flags: "--micro-batch 16", total: available } });
  });

  test("is told the mildest cure first", () => {
    const { memory } = countTraining(training());

    expect(memoryCure(training(), memory.total - 1)?.flags).toBe("--picture-cache 0");
    expect(memoryCure(training(), memory.total)).toBeDefined();
  });

  test("is told when nothing helps", () => {
    expect(memoryCure(training(), 1e6)).toBeUndefined();
    expect(failure(() => requireMemory(training(), 1e6)).hint).toMatch(/no setting makes this one fit/);
  });

  test("is not refused where it fits to the byte", () => {
    expect(() => requireMemory(training(), total(training()))).not.toThrow();
  });
});

function failure(call: () => void): FusionError {
  try {
    call();
  } catch (error) {
    if (FusionError.isInstance(error)) return error;
    throw error;
  }
  throw new Error("expected a FusionError, got none");
}
