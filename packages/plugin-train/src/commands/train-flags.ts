import { presetNames } from "@fusion-vlm/core";
import { optimizerNames, type ScheduleName, schedules } from "@fusion-vlm/core/train";
import { engineFlags, numberFlag, seedFlag, semanticsFlag } from "@fusion-vlm/plugin-kit";
import { Flags } from "@oclif/core";
import { present } from "../options/present.ts";
import { recipeNames, stageNames } from "../options/stage-names.ts";
import type { KeepingOptions } from "../options/train-options.ts";
import { partNames } from "./train-rules.ts";

const dtypes = ["float32", "float16", "bfloat16"] as const;

/** Several values of one flag. */
const list = { multiple: true, multipleNonGreedy: true } as const;

/** What is trained, and how. */
export const trainingFlags = {
  ...engineFlags,
  model: {
    ...engineFlags.model,
    description:
      "Model to go on from: its folder, or nano, the one that is installed. Default: FUSION_MODEL, then fusion.config, then nano.",
    exclusive: ["preset"],
  },
  preset: Flags.string({
    description: `Begin with random weights: ${presetNames.join(", ")}.`,
    helpValue: "NAME",
    helpGroup: "MODEL",
  }),
  data: Flags.string({
    ...list,
    char: "d",
    description:
      "LLaVA-style JSON or JSON lines, or a YAML file that mixes several. Repeatable: files are trained on one after the other. With --stage all: STAGE=FILE.",
    helpValue: "FILE",
    helpGroup: "DATA",
  }),
  images: Flags.string({
    description: "Folder that image paths are relative to. Default: that of each data file.",
    helpValue: "FOLDER",
    helpGroup: "DATA",
  }),
  mix: Flags.boolean({ allowNo: true, description: "Shuffle all data files as one.", helpGroup: "DATA" }),
  dtype: Flags.option({
    options: dtypes,
    description: "Element type of the weights written. Default: float32.",
    helpGroup: "OUTPUT",
  })(),
  result: Flags.option({
    options: ["last", "best"] as const,
    description: "Weights that a stage ends with: of its last step, or of its best evaluation. Default: last.",
    helpGroup: "OUTPUT",
  })(),

  stage: Flags.option({
    options: [...stageNames, "all"] as const,
    description: "Stage of the paper, with its hyper-parameters as defaults; all: one after the other.",
    helpGroup: "STAGE",
  })(),
  recipe: Flags.option({
    options: recipeNames,
    description: "Whose hyper-parameters the stages have. Default: paper.",
    helpGroup: "STAGE",
  })(),

  heldout: Flags.string({
    ...list,
    description: "Samples that the model is evaluated on and never trained on. Repeatable.",
    helpValue: "FILE",
    helpGroup: "EVALUATION",
  }),
  "evaluate-every": Flags.integer({
    min: 1,
    description: "Steps from one evaluation to the next. Default: a twentieth of the stage.",
    helpValue: "N",
    helpGroup: "EVALUATION",
  }),
  patience: Flags.integer({
    min: 1,
    description: "End a stage after N evaluations in a row that are not better.",
    helpValue: "N",
    helpGroup: "EVALUATION",
  }),
  "spike-factor": numberFlag({
    min: 0,
    description: "A loss this many times the largest of the last 50, and above 1, is a spike; 0: never. Default: 3.",
    helpValue: "F",
    helpGroup: "TROUBLE",
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
  "max-length": Flags.integer({
    min: 1,
    description: "Longer samples are left out. Default: the model's context.",
    helpValue: "N",
    helpGroup: "DATA",
  }),
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
    description:
      "Samples that run together; less needs less memory. Default: the largest divisor of the batch size up to 32.",
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
    options: optimizerNames,
    description:
      "muon learns from random weights in about half the steps; adafactor keeps far less in memory, and takes no --beta1, --beta2 and --epsilon. Default: adamw.",
    helpGroup: "OPTIMISER",
  })(),
  "gradient-checkpointing": Flags.boolean({
    allowNo: true,
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
  train: Flags.string({
    ...list,
    description: "Part that is trained beside adapters, which leave the rest as it is. Repeatable.",
    helpValue: "PART",
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
  window: Flags.integer({
    min: 1,
    description: "Side of the windows that interaction layers see. Default: the model's own.",
    helpValue: "W",
    helpGroup: "OPTIMISER",
  }),
  semantics: {
    ...semanticsFlag,
    description: "Train as the released code runs, or as the paper says. Default: the model's own.",
    helpGroup: "OPTIMISER",
  },
  shapes: Flags.integer({
    min: 1,
    description:
      "Most lengths that samples are grouped by and padded to: more pad less, and mix samples less. Default: 2.",
    helpValue: "N",
    helpGroup: "OPTIMISER",
  }),
  seed: seedFlag,
};

export const outFlag = {
  out: Flags.string({
    char: "o",
    required: true,
    description: "Model folder to write; it must be empty or not exist.",
    helpValue: "FOLDER",
    helpGroup: "OUTPUT",
  }),
};

/** How a training is kept on the disk, and what it does in trouble: a training that goes on may choose them anew. */
export const keepingFlags = {
  "max-skipped": Flags.integer({
    min: 0,
    description: "Records of a data file that may be left out, as they cannot be used. Default: 100.",
    helpValue: "N",
    helpGroup: "DATA",
  }),
  "picture-cache": numberFlag({
    min: 0,
    description: "Memory for prepared pictures, in MB. Default: 512.",
    helpValue: "MB",
    helpGroup: "MEMORY",
  }),
  memory: numberFlag({
    min: 1,
    description: "Memory that the training may take, in MB. Default: what this machine can give.",
    helpValue: "MB",
    helpGroup: "MEMORY",
  }),
  "checkpoint-minutes": numberFlag({
    above: 0,
    description: "Minutes from one checkpoint to the next. Default: 5.",
    helpValue: "M",
    helpGroup: "CHECKPOINTS",
  }),
  "checkpoint-steps": Flags.integer({
    min: 1,
    description: "Steps from one checkpoint to the next, beside the minutes.",
    helpValue: "N",
    helpGroup: "CHECKPOINTS",
  }),
  "keep-checkpoints": Flags.integer({
    min: 1,
    description: "Newest checkpoints that stay, beside the best one. Default: 2.",
    helpValue: "N",
    helpGroup: "CHECKPOINTS",
  }),
  "keep-training": Flags.boolean({
    allowNo: true,
    description: "Leave OUT.training, with checkpoints and the models of the stages, when the training is complete.",
    helpGroup: "CHECKPOINTS",
  }),
  restart: Flags.boolean({
    description: "Forget what an earlier training into the same folder has left.",
    helpGroup: "CHECKPOINTS",
  }),
  "on-divergence": Flags.option({
    options: ["stop", "skip"] as const,
    description: "What to do about a loss that is no number, or a spike: end, or leave the batch out. Default: stop.",
    helpGroup: "TROUBLE",
  })(),
};

export function keepingOf(flags: {
  readonly "checkpoint-minutes"?: number;
  readonly "checkpoint-steps"?: number;
  readonly "keep-checkpoints"?: number;
  readonly "keep-training"?: boolean;
  readonly "on-divergence"?: KeepingOptions["onDivergence"];
  readonly "max-skipped"?: number;
  readonly "picture-cache"?: number;
  readonly memory?: number;
}): KeepingOptions {
  const bytes = (megabytes: number | undefined) => (megabytes === undefined ? undefined : megabytes * 1e6);
  return present({
    maxSkipped: flags["max-skipped"],
    pictureCacheBytes: bytes(flags["picture-cache"]),
    availableBytes: bytes(flags.memory),
    checkpointMinutes: flags["checkpoint-minutes"],
    checkpointSteps: flags["checkpoint-steps"],
    keepCheckpoints: flags["keep-checkpoints"],
    keepTraining: flags["keep-training"],
    onDivergence: flags["on-divergence"],
  });
}
