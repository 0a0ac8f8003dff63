import { partPatterns } from "@fusion-vlm/core/train";
import type { RecipeName, StageName } from "./stage-names.ts";
import type { StageOptions } from "./train-options.ts";

/** All stages: one epoch, cosine, AdamW without decay, every parameter trained. */
const common: StageOptions = {
  epochs: 1,
  schedule: "cosine",
  warmupRatio: 0.03,
  weightDecay: 0,
  checkpointing: true,
};

/** The released scripts train the vision tower at a tenth of the rate, after stage 1. */
const slowTower = [{ pattern: partPatterns.visionTower, learningRateScale: 0.1 }];

/** Paper, Section 4 and Appendix B; released: the training scripts of the authors' repository. */
export const stagePresets: Readonly<Record<RecipeName, Readonly<Record<StageName, StageOptions>>>> = {
  paper: {
    "1": { ...common, batchSize: 256, learningRate: 1e-4, maxLength: 2048 },
    "1.5": { ...common, batchSize: 128, learningRate: 2e-5, maxLength: 4096 },
    "2": { ...common, batchSize: 128, learningRate: 1e-5, maxLength: 4096 },
  },
  released: {
    "1": { ...common, batchSize: 256, learningRate: 2e-5, maxLength: 2048 },
    "1.5": { ...common, batchSize: 128, learningRate: 2e-5, maxLength: 4096, rules: slowTower },
    "2": { ...common, batchSize: 128, learningRate: 1e-5, maxLength: 4096, rules: slowTower },
  },
};
