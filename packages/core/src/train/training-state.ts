import type { Backend, Program } from "../backends/index.ts";
import { FusionError } from "../errors/index.ts";
import { type FusionConfig, fusionParameters } from "../fusion/index.ts";
import type { Graph } from "../graph/index.ts";
import { compileFed } from "../session/index.ts";
import { float32, type Tensor } from "../tensor/index.ts";
import { mergeAdapters } from "./adapted-weight.ts";
import { GradientPrograms } from "./gradient-programs.ts";
import { initialAdapter, type Lora, loraAdapters } from "./lora.ts";
import type { Optimizer } from "./optimizer.ts";
import { parameterGroups, type StateKind } from "./parameter-groups.ts";
import type { TrainingBatch } from "./training-batch.ts";
import { completeOptions, optionError, type TrainingOptions } from "./training-options.ts";
import { TrainingTensors } from "./training-tensors.ts";

/** Losses of a step, averaged over its batch. */
export interface StepLosses {
  /** (15) */
  readonly loss: number;
  /** (14) */
  readonly answer: number;
  /** (12) */
  readonly visionToText: number;
  /** (13) */
  readonly textToVision: number;
}

export interface StepResult extends StepLosses {
  /** L2 norm over all parameters that are trained, before clipping. */
  readonly gradientNorm: number;
}

interface StateParts {
  readonly backend: Backend;
  readonly tensors: TrainingTensors;
  readonly gradients: GradientPrograms;
  readonly optimizer: Optimizer;
  readonly update: Program;
  readonly lora: Lora | undefined;
}

/** Moments of any optimiser; a group has those that its optimiser keeps. */
const momentKinds = ["firstMoment", "secondMoment", "rowMoment", "columnMoment"] as const;

/**
 * Parameters, gradients and moments of a model in training; they stay with the engine from step to step.
 *
 * A step runs one gradient program for each part of its batch and one update program. Gradient programs are compiled
 * once for each number of latents, and serve batches of every shape. One call at a time: await each before the next.
 */
export class TrainingState {
  readonly #backend: Backend;
  readonly #tensors: TrainingTensors;
  readonly #gradients: GradientPrograms;
  readonly #optimizer: Optimizer;
  readonly #update: Program;
  readonly #lora: Lora | undefined;
  #steps = 0;
  #isBusy = false;

  private constructor(parts: StateParts) {
    this.#backend = parts.backend;
    this.#tensors = parts.tensors;
    this.#gradients = parts.gradients;
    this.#optimizer = parts.optimizer;
    this.#update = parts.update;
    this.#lora = parts.lora;
  }

  /**
   * @param read - contents of a parameter by checkpoint name, float32
   * @throws WEIGHTS_MISMATCH naming a parameter whose contents have another length, OPTION_INVALID for impossible options
   */
  static async create(
    backend: Backend,
    config: FusionConfig,
    read: (name: string) => Promise<Float32Array>,
    options: TrainingOptions = {},
  ): Promise<TrainingState> {
    const { optimizer, weightDecay, rules, ...given } = completeOptions(options);
    const base = fusionParameters(config);
    const lora = given.lora && loraAdapters(base, given.lora);
    const isFrozen = (name: string) => lora !== undefined && !lora.parameters.has(name);
    const groups = parameterGroups(new Map([...base, ...(lora?.parameters ?? [])]), { weightDecay, rules, isFrozen });
    const tensors = await TrainingTensors.allocate(backend, groups, optimizer);
    try {
      await tensors.write("parameters", async (name) =>
        lora?.parameters.has(name) ? initialAdapter(lora, name) : read(name),
      );
      const update = await compileFed(backend, optimizer.graph(groups));
      const gradients = new GradientPrograms(backend, config, groups, { ...given, lora });
      return new TrainingState({ backend, tensors, gradients, optimizer, update, lora });
    } catch (error) {
      await tensors.dispose();
      throw error;
    }
  }

  /** Updates made so far. */
  get steps(): number {
    return this.#steps;
  }

  /** What the first part of a batch runs, with every size named: to count its work with `graphCost`. */
  gradientGraph(latents: number): Graph {
    return this.#gradients.graph(latents, { accumulates: false });
  }

  /**
   * One step over a batch given in parts; the result is that of the whole batch at once.
   *
   * @throws TRAINING_DIVERGED for a loss that is not finite; the parameters are then those of the step before
   */
  async step(parts: readonly TrainingBatch[], latents: number, learningRate: number): Promise<StepResult> {
    const losses = await this.accumulate(parts, latents);
    const wrong = Object.entries(losses).find(([, value]) => !Number.isFinite(value));
    if (wrong) throw diverged(this.#steps + 1, ...wrong);
    return { ...losses, gradientNorm: await this.update(learningRate) };
  }

  /** Forward and backward passes alone: the gradient of the batch is then in the state, and that of the batch before gone. */
  accumulate(parts: readonly TrainingBatch[], latents: number): Promise<StepLosses> {
    return this.#alone(async () => {
      if (parts.length === 0) throw optionError("training step", "at least one part of a batch", "none");
      const sum = (count: (part: TrainingBatch) => number) => parts.reduce((total, part) => total + count(part), 0);
      const totals = {
        batch_answer_tokens: scalar(sum((part) => part.answerTokens)),
        batch_instruction_tokens: scalar(sum((part) => part.instructionTokens)),
        batch_samples: scalar(sum((part) => part.samples)),
      };
      const losses = { loss: 0, answer: 0, visionToText: 0, textToVision: 0 };
      for (const [index, part] of parts.entries()) {
        const accumulates = index > 0;
        const program = await this.#gradients.get(latents, part.sizes, accumulates);
        const state = accumulates ? this.#tensors.feeds("parameters", "gradient") : this.#tensors.feeds("parameters");
        const fetched = await program.run(
          { ...part.feeds, ...totals, ...state },
          { write: this.#tensors.writes("gradient") },
        );
        losses.loss += numberOf(fetched.loss!);
        losses.answer += numberOf(fetched.loss_answer!);
        losses.visionToText += numberOf(fetched.loss_v2t!);
        losses.textToVision += numberOf(fetched.loss_t2v!);
      }
      return losses;
    });
  }

  /** One update with the gradient in the state; returns its L2 norm before clipping. */
  update(learningRate: number): Promise<number> {
    return this.#alone(async () => {
      if (!(learningRate >= 0 && learningRate < Number.POSITIVE_INFINITY)) {
        throw optionError("learning rate", "a number of 0 or more", String(learningRate));
      }
      const step = this.#steps + 1;
      const scalars = { learning_rate: learningRate, ...this.#optimizer.scalars(step) };
      const { gradient_norm } = await this.#update.run(
        {
          ...Object.fromEntries(Object.entries(scalars).map(([name, value]) => [name, scalar(value)])),
          ...this.#tensors.trainedFeeds("parameters", "gradient", ...momentKinds),
        },
        { write: this.#tensors.writes("parameters", ...momentKinds) },
      );
      this.#steps = step;
      return numberOf(gradient_norm!);
    });
  }

  /**
   * The current value of a kind of state by checkpoint name; frozen parameters have no other kind than `parameters`.
   *
   * `parameters` are those of the base model, with adapters merged into their weights; {@link readAdapters} has them alone.
   */
  read(kind: StateKind = "parameters"): Promise<Map<string, Tensor<"float32">>> {
    return this.#alone(async () => {
      const tensors = await this.#tensors.read(kind);
      return this.#lora && kind === "parameters" ? mergeAdapters(this.#backend, this.#lora, tensors) : tensors;
    });
  }

  /** The adapters under the names that peft gives them; empty without LoRA. */
  readAdapters(): Promise<Map<string, Tensor<"float32">>> {
    return this.#alone(async () => {
      const lora = this.#lora;
      if (!lora) return new Map();
      return this.#tensors.read("parameters", (name) => lora.parameters.has(name));
    });
  }

  /**
   * Overwrites the adapters with those of a checkpoint.
   *
   * @throws OPTION_INVALID without LoRA, WEIGHTS_MISMATCH naming an adapter whose contents have another length
   */
  writeAdapters(read: (name: string) => Promise<Float32Array>): Promise<void> {
    return this.#alone(async () => {
      const lora = this.#lora;
      if (!lora) throw optionError("adapters", "a training with the option `lora`", "one without");
      await this.#tensors.write("parameters", read, (name) => lora.parameters.has(name));
    });
  }

  async dispose(): Promise<void> {
    await this.#gradients.dispose();
    await this.#update.dispose();
    await this.#tensors.dispose();
  }

  /** Two calls at once would add into one gradient. */
  async #alone<T>(body: () => Promise<T>): Promise<T> {
    if (this.#isBusy) throw optionError("training state", "one call at a time", "a second before the first was done");
    this.#isBusy = true;
    try {
      return await body();
    } finally {
      this.#isBusy = false;
    }
  }
}

function diverged(step: number, name: string, value: number): FusionError {
  return new FusionError({
    code: "TRAINING_DIVERGED",
    at: `training step ${step}`,
    expected: `a finite ${name}`,
    actual: String(value),
    hint: "Lower the learning rate, or lengthen the warm-up, and start from the last saved parameters.",
  });
}

function scalar(value: number): Tensor {
  return float32([], [value]);
}

function numberOf(value: Tensor): number {
  return Number(value.data[0]);
}
