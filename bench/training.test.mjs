import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fusionParameters, modelPreset, parseConfig } from "@fusion-vlm/core";
import { tinyConfig, writeTinyModel } from "@fusion-vlm/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatBench } from "./print.mjs";
import { compareWithTorch, tolerance } from "./torch-comparison.mjs";
import { findTorch, withoutTorch } from "./torch-process.mjs";
import { widened } from "./training.mjs";
import { syntheticBatch } from "./training-batches.mjs";

const python = findTorch();
const without = python ? "" : ` (skipped: ${withoutTorch})`;

describe("syntheticBatch", () => {
  const config = tinyConfig();

  it("is the same for the same seed, and another for another", () => {
    const batch = (seed) => syntheticBatch(config, { samples: 2, questions: 2, latents: 4, seed });

    expect(batch(3)).toEqual(batch(3));
    expect(batch(3).feeds.input_ids).not.toEqual(batch(4).feeds.input_ids);
    expect(batch(3).feeds.pixel_values).not.toEqual(batch(4).feeds.pixel_values);
  });

  it("holds ids of the vocabulary, none of which is padding", () => {
    const { feeds } = syntheticBatch(config, { samples: 4, questions: 3, latents: 4 });
    const answers = [...feeds.answer_ids.data].slice(0, feeds.answer_weights.data.indexOf(0));

    expect(Math.max(...[...feeds.input_ids.data].map(Number))).toBeLessThan(config.language.vocabularySize);
    expect(answers.every((id) => id > 0n)).toBe(true);
  });

  it("asks as many questions of each sample as it is told to", () => {
    expect(syntheticBatch(config, { samples: 4, questions: 3, latents: 4 }).sizes).toMatchObject({ B: 4, R: 3 });
  });
});

describe("widened", () => {
  it("is the preset itself at 1", () => {
    const { config, vision } = modelPreset("nano");

    expect(widened("nano", 1)).toEqual(parseConfig(config, vision, "nano"));
  });

  it("makes a model with about the square of the factor as many parameters in its matrices", () => {
    const size = (config) => {
      const ofLayer = [...fusionParameters(config)].filter(([name]) => name.includes(".layers.1."));
      return ofLayer.reduce((sum, [, shape]) => sum + shape.reduce((product, dim) => product * dim, 1), 0);
    };

    expect(size(widened("nano", 2)) / size(widened("nano", 1))).toBeCloseTo(4, 0);
  });
});

describe("compareWithTorch", () => {
  let folder;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "fusion-bench-test-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.skipIf(!python).each([
    ["grouped queries", { num_key_value_heads: 2 }],
    ["tied embeddings", { tie_word_embeddings: true }],
  ])(`PyTorch has the losses of ours for three steps, with %s${without}`, async (name, keys) => {
    const model = join(folder, name);
    await writeTinyModel(model, { config: keys });
    const config = tinyConfig({ config: keys });
    const batches = [4, 16, 4].map((latents, seed) => {
      return { latents, batch: syntheticBatch(config, { samples: 3, questions: 2, latents, seed }) };
    });

    const { agrees, largestDifference, steps } = await compareWithTorch(model, {
      python,
      batches,
      rounds: 1,
      threads: 1,
    });

    expect(steps).toHaveLength(3);
    for (const { ours, torch } of steps) {
      for (const part of ["answer", "visionToText", "textToVision"]) {
        expect(Math.abs(ours[part] - torch[part])).toBeLessThan(tolerance);
      }
    }
    expect([agrees, largestDifference < tolerance]).toEqual([true, true]);
  });

  it.skipIf(!python)(`tells what a model that PyTorch does not build has${without}`, async () => {
    const model = join(folder, "released");
    await writeTinyModel(model, { semantics: "released" });
    const batch = syntheticBatch(tinyConfig({ semantics: "released" }), { samples: 1, questions: 1, latents: 4 });
    const run = compareWithTorch(model, { python, batches: [{ latents: 4, batch }], rounds: 1, threads: 1 });

    await expect(run).rejects.toThrow("fusion_torch.py does not build: fusion_semantics released");
  });
});

describe("formatBench", () => {
  const step = {
    ...{ samples: 16, questions: 4, width: 1, latents: 4, sizes: { S: 200 }, parameters: 3.5e6 },
    ...{ seconds: 0.5, samplesPerSecond: 32, flops: 1e11, flopsPerSecond: 2e11, ofPeak: 0.5 },
  };
  const growth = { batch: [step], length: [step], width: [step] };
  const training = { preset: "nano", threads: 2, steps: [step], growth };
  const peaks = { flops: 4e11, bytes: 5e10 };

  it("says why there is no comparison", () => {
    const bench = { peaks, models: [], training: { ...training, torch: { notCompared: withoutTorch } } };

    expect(formatBench(bench)).toContain(
      "not compared: python3-torch is not installed (Debian: apt-get install python3-torch)",
    );
  });

  it("says that losses differ, and that a reference BLAS is no match", () => {
    const torch = { torch: "1.13", blas: ["libblas.so.3"], steps: [], largestDifference: 1, agrees: false };
    const bench = (run) => ({ peaks, models: [], training: { ...training, torch: { ...torch, ...run } } });
    const text = formatBench(bench({ samplesPerSecond: { ours: 4, torch: 2 }, ratio: 2 }));

    expect(text).toContain("DIFFERENT LOSSES");
    expect(text).toContain("ours 4.0 samples/s, PyTorch 2.0: 2.00 times as fast");
    expect(text).toContain("reference BLAS");
  });
});
