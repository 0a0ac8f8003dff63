import { type ScheduleName, schedules } from "@fusion-vlm/core/train";
import { engineFlags, numberFlag, seedFlag } from "@fusion-vlm/plugin-kit";
import { Flags } from "@oclif/core";
import { partNames } from "./train-rules.ts";

const dtypes = ["float32", "float16", "bfloat16"] as const;

/** Several values of one flag. */
const list = { multiple: true, multipleNonGreedy: true } as const;

export const trainFlags = {
  ...engineFlags,
  model: {
    ...engineFlags.model,
    description:
      "Model folder to go on from, or a preset to begin at random with. Default: FUSION_MODEL, then fusion.config, then nano.",
  },
  data: Flags.string({
    ...list,
    char: "d",
    required: true,
    description:
      "LLaVA-style JSON or JSON lines, or a YAML file that mixes several. Repeatable: one is trained on after the other.",
    helpValue: "FILE",
    helpGroup: "DATA",
  }),
  images: Flags.string({
    description: "Folder that image paths are relative to. Default: that of each data file.",
    helpValue: "FOLDER",
    helpGroup: "DATA",
  }),
  mix: Flags.boolean({ description: "Shuffle all data files as one.", helpGroup: "DATA" }),
  "max-skipped": Flags.integer({
    min: 0,
    description: "Records of a data file that may be left out, as they cannot be used. Default: 100.",
    helpValue: "N",
    helpGroup: "DATA",
  }),
  out: Flags.string({
    char: "o",
    required: true,
    description: "Model folder to write; it must be empty or not exist.",
    helpValue: "FOLDER",
    helpGroup: "OUTPUT",
  }),
  dtype: Flags.option({
    options: dtypes,
    description: "Element type of the weights written. Default: float32.",
    helpGroup: "OUTPUT",
  })(),
  "save-on-interrupt": Flags.boolean({
    description: "Ctrl-C saves the model as it is, instead of nothing.",
    helpGroup: "OUTPUT",
  }),

  epochs: Flags.integer({
    ...list,
    min: 1,
    description:
      "Times that the data are gone through; once for all files, or one for each --data. Default: 1 without other limits.",
    helpValue: "N",
    helpGroup: "LENGTH",
  }),
  "max-steps": Flags.integer({ min: 1, description: "Most updates.", helpValue: "N", helpGroup: "LENGTH" }),
  "max-minutes": numberFlag({
    min: 0,
    description: "Most wall time; the learning rate follows the clock.",
    helpValue: "M",
    helpGroup: "LENGTH",
  }),
  share: numberFlag({
    ...list,
    min: 0,
    description: "Part of the steps or the time that a --data file gets, one for each. Default: by its samples.",
    helpValue: "S",
    helpGroup: "LENGTH",
  }),

  "batch-size": Flags.integer({
    min: 1,
    description: "Samples of an update. Default: 16.",
    helpValue: "N",
    helpGroup: "OPTIMISER",
  }),
  "micro-batch": Flags.integer({
    min: 1,
    description: "Samples that run together; less needs less memory. Default: the batch size.",
    helpValue: "N",
    helpGroup: "OPTIMISER",
  }),
  "learning-rate": numberFlag({
    min: 0,
    description: "Peak learning rate. Default: 1e-3 for a model at random, else 2e-5.",
    helpValue: "R",
    helpGroup: "OPTIMISER",
  }),
  "warmup-ratio": numberFlag({
    min: 0,
    max: 1,
    description: "Part of the training over which the learning rate rises. Default: 0.03.",
    helpValue: "R",
    helpGroup: "OPTIMISER",
  }),
  schedule: Flags.option({
    options: Object.keys(schedules) as ScheduleName[],
    description: "How the rate goes on after the warm-up. Default: cosine.",
    helpGroup: "OPTIMISER",
  })(),
  optimizer: Flags.option({
    options: ["adamw", "adafactor"] as const,
    description: "adafactor keeps far less in memory, and takes no --beta1, --beta2 and --epsilon. Default: adamw.",
    helpGroup: "OPTIMISER",
  })(),
  "gradient-checkpointing": Flags.boolean({
    description: "Compute layers again in the backward pass instead of keeping them: less memory, more work.",
    helpGroup: "OPTIMISER",
  }),
  freeze: Flags.string({
    ...list,
    description: `Part that is not trained: ${partNames.join(", ")}, or a pattern on checkpoint names. Repeatable.`,
    helpValue: "PART",
    helpGroup: "PARTS",
  }),
  "part-rate": Flags.string({
    ...list,
    description: "Factor on the learning rate of a part. Repeatable.",
    helpValue: "PART=FACTOR",
    helpGroup: "PARTS",
  }),
  "lora-rank": Flags.integer({
    min: 1,
    description: "Train low-rank adapters instead of the weights; the model that is written has them merged.",
    helpValue: "R",
    helpGroup: "PARTS",
  }),
  "lora-alpha": numberFlag({
    min: 0,
    description: "Adapters count ALPHA/R. Default: twice the rank.",
    helpValue: "ALPHA",
    helpGroup: "PARTS",
  }),
  "lora-target": Flags.string({
    ...list,
    description: "Weights that get adapters, a pattern. Repeatable. Default: the linear layers of the language model.",
    helpValue: "PATTERN",
    helpGroup: "PARTS",
  }),
  "weight-decay": numberFlag({
    min: 0,
    description: "Of matrices; norms and biases have none. Default: 0.",
    helpValue: "W",
    helpGroup: "OPTIMISER",
  }),
  beta1: numberFlag({ min: 0, max: 1, description: "Default: 0.9.", helpValue: "B", helpGroup: "OPTIMISER" }),
  beta2: numberFlag({ min: 0, max: 1, description: "Default: 0.999.", helpValue: "B", helpGroup: "OPTIMISER" }),
  epsilon: numberFlag({ min: 0, description: "Default: 1e-8.", helpValue: "E", helpGroup: "OPTIMISER" }),
  "max-gradient-norm": numberFlag({
    min: 0,
    description: "Larger gradients are scaled down to this norm; 0: never. Default: 1.",
    helpValue: "N",
    helpGroup: "OPTIMISER",
  }),
  "mapping-weight": numberFlag({
    min: 0,
    description: "λ, the weight of the dual-supervised mapping loss. Default: the model's own.",
    helpValue: "L",
    helpGroup: "OPTIMISER",
  }),
  latents: Flags.string({
    description: "Numbers of latent tokens to draw from, squares. Default: the model's own set.",
    helpValue: "4,16,64",
    helpGroup: "OPTIMISER",
  }),
  shapes: Flags.integer({
    min: 1,
    description:
      "Most lengths that samples are grouped by and padded to: more pad less, and mix samples less. Default: 2.",
    helpValue: "N",
    helpGroup: "OPTIMISER",
  }),
  "picture-cache": numberFlag({
    min: 0,
    description: "Memory for prepared pictures, in MB. Default: 512.",
    helpValue: "MB",
    helpGroup: "OPTIMISER",
  }),
  seed: seedFlag,
};
