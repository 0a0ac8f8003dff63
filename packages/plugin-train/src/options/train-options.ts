import type { FloatDtype, NodeBackendOptions, Semantics } from "@fusion-vlm/core";
import type { LoraOptions, OptimizerName, ParameterRule, ScheduleName } from "@fusion-vlm/core/train";
import type { TrainEvent } from "../trainer/train-events.ts";
import type { RecipeName, StageName } from "./stage-names.ts";

/** One data file of a training, in the order of the curriculum. */
export interface TrainingData {
  readonly file: string;
  /** Times that it is gone through; the training's own `epochs` when absent. */
  readonly epochs?: number;
  /** Its part of `maxSteps` and `maxMinutes`; by its steps when absent. Only the ratio of the shares counts. */
  readonly share?: number;
}

/** What may differ from stage to stage. */
export interface StageOptions {
  /** LLaVA-style files, or mixing files, that are trained on one after the other; under `mix` together. */
  readonly data?: readonly (string | TrainingData)[];
  /** All files are one dataset, shuffled as a whole. */
  readonly mix?: boolean;

  /** Training ends at whichever of the three comes first; 1 epoch when none is given. */
  readonly epochs?: number;
  readonly maxSteps?: number;
  /** Wall time of the stage's steps; reading and saving come on top, and at most one step. */
  readonly maxMinutes?: number;

  /** Samples of an update; 16 when absent. */
  readonly batchSize?: number;
  /** Samples that run through the model together; the largest divisor of the batch size up to 32 when absent. */
  readonly microBatch?: number;
  /** Most lengths that samples are grouped by and padded to: more of them pad less, and mix samples less. 2 when absent. */
  readonly shapes?: number;
  /** Longer samples are left out: rows, image tokens and latents included. The model's context when absent or larger. */
  readonly maxLength?: number;

  /** Peak learning rate; 1e-3 for a model at random and 2e-5 (paper, stage 1.5) for any other when absent. */
  readonly learningRate?: number;
  /** 0.03 when absent, as in the paper. */
  readonly warmupRatio?: number;
  /** How the rate goes on after the warm-up; `cosine` when absent, as in the paper. */
  readonly schedule?: ScheduleName;
  /**
   * `adamw` when absent, as in the paper; `muon` learns from random weights in about half the steps; `adafactor` keeps far less
   * in memory and takes no beta1, beta2 and epsilon.
   */
  readonly optimizer?: OptimizerName;
  /** Parts with a learning rate or weight decay of their own, or frozen; the first that matches a parameter counts for it. */
  readonly rules?: readonly ParameterRule[];
  /** Train adapters instead of the weights; what is written is the merged model. */
  readonly lora?: LoraOptions;
  /** Compute layers again in the backward pass instead of keeping them: the same losses in less memory, for more work. */
  readonly checkpointing?: boolean;
  /** Of matrices; 0 when absent, as in the paper. */
  readonly weightDecay?: number;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  /** The gradient is scaled down to this L2 norm; 1 when absent, 0 never. */
  readonly maxGradientNorm?: number;
  /** λ of equation (15); the model's own when absent. */
  readonly mappingWeight?: number;
  /** The set that Q is drawn from, a square for each; the model's own when absent. */
  readonly latentCounts?: readonly number[];
  /** w: the side of the windows that interaction layers see; the model's own when absent. */
  readonly window?: number;
  /** As which of the two readings of the paper the model is trained; its own when absent. */
  readonly semantics?: Semantics;

  /** Held-out samples that the model is evaluated on; never trained on. */
  readonly heldout?: readonly string[];
  /** Steps from one evaluation to the next; a twentieth of the stage when absent, 200 where its length is not known. */
  readonly evaluateEvery?: number;
  /** The stage ends after this many evaluations in a row without a lower answer loss; never when absent. */
  readonly patience?: number;
}

/** How a training is kept on the disk and what it does in trouble; none of it changes what is learned. */
export interface KeepingOptions {
  /** Minutes from one checkpoint to the next; 5 when absent. */
  readonly checkpointMinutes?: number;
  /** Steps from one checkpoint to the next, beside the minutes. */
  readonly checkpointSteps?: number;
  /** Newest checkpoints that stay, the best one not counted; 2 when absent. */
  readonly keepCheckpoints?: number;
  /** Leave OUT.training with its checkpoints and the models of the stages when the training is complete. */
  readonly keepTraining?: boolean;
  /** A loss that is no number, or a spike: end the training, or leave the batch out. `stop` when absent. */
  readonly onDivergence?: DivergencePolicy;
  /** Samples of a data file that are left out, as they are too long or cannot be read; more are an error. 100 when absent. */
  readonly maxSkipped?: number;
  /** Bytes of prepared pictures that are kept in memory; 512 MB when absent. */
  readonly pictureCacheBytes?: number;
  /** Bytes that the training may take; what this machine says when absent. */
  readonly availableBytes?: number;
}

export type DivergencePolicy = "stop" | "skip";

export interface TrainOptions extends StageOptions, KeepingOptions, Omit<NodeBackendOptions, "worker"> {
  /** Model to go on from: its folder, or `nano`. This or `preset`. */
  readonly model?: string;
  /** Preset to begin with, at random. */
  readonly preset?: string;
  /** Model folder to write; it must be empty or not exist. */
  readonly out: string;
  /** Folder that image paths are relative to; that of each data file when absent. */
  readonly images?: string;

  /** A stage of the paper with its hyper-parameters, or all of them in order; free training when absent. */
  readonly stage?: StageName | "all";
  /** Whose hyper-parameters the stages have; `paper` when absent. */
  readonly recipe?: RecipeName;
  /** What single stages do differently; wins over the options beside it. */
  readonly stages?: Readonly<Partial<Record<StageName, StageOptions>>>;

  /** Decides the order of samples, every Q, and a preset's first weights. 0 when absent. */
  readonly seed?: number;
  /** Element type of the weights that are written; float32 when absent. */
  readonly dtype?: FloatDtype;
  /** Which weights of a stage it ends with: those of its last step, or of its best evaluation. `last` when absent. */
  readonly result?: "last" | "best";
  /** A loss is a spike when it is this many times the largest of the 50 steps before, and above 1; 3 when absent, 0 never. */
  readonly spikeFactor?: number;
  /** Compute and prepare pictures in threads of their own; true when absent. */
  readonly worker?: boolean;

  /** Forget what an earlier training into this folder has left, instead of going on from it. */
  readonly restart?: boolean;
  readonly onEvent?: (event: TrainEvent) => void;
  /** An abort after the first step saves a checkpoint. */
  readonly signal?: AbortSignal;
}
