import type { Backend, Fetches, Program } from "../backends/index.ts";
import { FusionError } from "../errors/index.ts";
import type { FusionConfig } from "../fusion/index.ts";
import type { Graph } from "../graph/index.ts";
import { compileFed } from "../session/index.ts";
import { float32, type Tensor } from "../tensor/index.ts";
import type { WeightSource } from "../weights/index.ts";
import { mergeAdapters } from "./adapted-weight.ts";
import { BatchPrograms, trainingCompilation } from "./batch-programs.ts";
import { initialAdapter, type Lora } from "./lora.ts";
import type { Optimizer } from "./optimizer.ts";
import { type StateKind, trainedGroups } from "./parameter-groups.ts";
import type { TrainingBatch } from "./training-batch.ts";
import { optionError, type TrainingOptions } from "./training-options.ts";
import { trainingSetup } from "./training-setup.ts";
import { TrainingTensors } from "./training-tensors.ts";
import { gradientNormGraph } from "./update-parts.ts";

/** Losses averaged over a batch. */
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

export interface BatchLosses extends StepLosses {
  /** Cross entropy of each answer token, part by part. */
  readonly answerLosses: readonly Float32Array[];
}

export interface GradientResult extends BatchLosses {
  /** L2 norm over all parameters that are trained, before clipping. */
  readonly gradientNorm: number;
}

export interface EvaluationResult extends BatchLosses {
  /** 1 for each answer token that is the likeliest one behind those before it, 0 for the others, part by part. */
  readonly answerHits: readonly Float32Array[];
}

/** Where a training stands: what it takes to go on from there, besides the parameters of the model. */
export interface OptimizerState {
  /** Updates made. */
  readonly steps: number;
  /** `KIND.PARAMETER` for each moment, and with LoRA `parameters.NAME` of what is trained. */
  read(name: string): Promise<Float32Array>;
}

interface StateParts {
  readonly backend: Backend;
  readonly tensors: TrainingTensors;
  readonly programs: BatchPrograms;
  readonly optimizer: Optimizer;
  readonly norm: Program;
  readonly update: Program;
  readonly lora: Lora | undefined;
  /** Names of the parameters that are trained. */
  readonly trained: ReadonlySet<string>;
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
  readonly #programs: BatchPrograms;
  readonly #optimizer: Optimizer;
  readonly #norm: Program;
  readonly #update: Program;
  readonly #lora: Lora | undefined;
  readonly #trained: ReadonlySet<string>;
  #steps = 0;
  /** Of the gradient in the state; NaN before there is one. */
  #gradientNorm = Number.NaN;
  #isBusy = false;

  private constructor(parts: StateParts) {
    this.#backend = parts.backend;
    this.#tensors = parts.tensors;
    this.#programs = parts.programs;
    this.#optimizer = parts.optimizer;
    this.#norm = parts.norm;
    this.#update = parts.update;
    this.#lora = parts.lora;
    this.#trained = parts.trained;
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
    const setup = trainingSetup(config, options);
    const { optimizer, groups, lora } = setup;
    const tensors = await TrainingTensors.allocate(backend, groups, optimizer);
    try {
      await tensors.write("parameters", async (name) =>
        lora?.parameters.has(name) ? initialAdapter(lora, name) : read(name),
      );
      const norm = await compileFed(backend, gradientNormGraph(groups), trainingCompilation);
      const update = await compileFed(backend, optimizer.graph(groups), trainingCompilation);
      const programs = new BatchPrograms(backend, config, groups, setup);
      const trained = new Set(trainedGroups(groups).flatMap((group) => group.parameters.map(({ name }) => name)));
      return new TrainingState({ backend, tensors, programs, optimizer, norm, update, lora, trained });
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
    return this.#programs.graph("first", latents);
  }

  /**
   * One step over a batch given in parts; the result is that of the whole batch at once.
   *
   * @throws TRAINING_DIVERGED for a loss or a gradient that is not finite; the parameters are then those of the step before
   */
  async step(parts: readonly TrainingBatch[], latents: number, learningRate: number): Promise<GradientResult> {
    const result = await this.accumulate(parts, latents);
    const { answerLosses: _, ...numbers } = result;
    const wrong = Object.entries(numbers).find(([, value]) => !Number.isFinite(value));
    if (wrong) throw diverged(this.#steps + 1, ...wrong);
    await this.update(learningRate);
    return result;
  }

  /** Forward and backward passes alone: the gradient of the batch is then in the state, and that of the batch before gone. */
  accumulate(parts: readonly TrainingBatch[], latents: number): Promise<GradientResult> {
    return this.#alone(async () => {
      const losses = await this.#runParts(parts, async (part, totals, index) => {
        const pass = index > 0 ? "further" : "first";
        const program = await this.#programs.get(pass, latents, part.sizes);
        const state = index > 0 ? this.#tensors.feeds("parameters", "gradient") : this.#tensors.feeds("parameters");
        return program.run({ ...part.feeds, ...totals, ...state }, { write: this.#tensors.writes("gradient") });
      });
      const { gradient_norm } = await this.#norm.run(this.#tensors.trainedFeeds("gradient"));
      this.#gradientNorm = numberOf(gradient_norm!);
      return { ...losses, gradientNorm: this.#gradientNorm };
    });
  }

  /** Forward passes alone: losses, and which answer tokens the model would have chosen. Nothing in the state changes. */
  evaluate(parts: readonly TrainingBatch[], latents: number): Promise<EvaluationResult> {
    return this.#alone(async () => {
      const answerHits: Float32Array[] = [];
      const losses = await this.#runParts(parts, async (part, totals) => {
        const program = await this.#programs.get("evaluation", latents, part.sizes);
        const fetched = await program.run({ ...part.feeds, ...totals, ...this.#tensors.feeds("parameters") });
        answerHits.push(valuesOf(fetched.answer_hits!, part));
        return fetched;
      });
      return { ...losses, answerHits };
    });
  }

  /** One update with the gradient in the state. */
  update(learningRate: number): Promise<void> {
    return this.#alone(async () => {
      if (!(learningRate >= 0 && learningRate < Number.POSITIVE_INFINITY)) {
        throw optionError("learning rate", "a number of 0 or more", String(learningRate));
      }
      const step = this.#steps + 1;
      const known = {
        learning_rate: learningRate,
        gradient_norm: this.#gradientNorm,
        ...this.#optimizer.scalars(step),
      };
      const asked = new Set(this.#update.model.inputs.map(({ name }) => name));
      const scalars = Object.entries(known).filter(([name]) => asked.has(name));
      await this.#update.run(
        {
          ...Object.fromEntries(scalars.map(([name, value]) => [name, scalar(value)])),
          ...this.#tensors.trainedFeeds("parameters", "gradient", ...momentKinds),
        },
        { write: this.#tensors.writes("parameters", ...momentKinds) },
      );
      this.#steps = step;
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

  /**
   * What a checkpoint needs besides the parameters that {@link read} gives: every moment, and with LoRA the adapters.
   *
   * Read it before the next step: the contents are those of the time when they are asked for.
   */
  optimizerState(): WeightSource {
    const layout = this.#savedKinds().flatMap((kind) =>
      this.#tensors
        .layout(kind, this.#isSaved)
        .map(({ name, shape }) => ({ name: `${kind}.${name}`, dtype: "float32" as const, shape })),
    );
    let known: { kind: StateKind; tensors: Map<string, Tensor<"float32">> } | undefined;
    const data = async (name: string) => {
      const [kind, parameter] = splitStateName(name);
      if (known?.kind !== kind) {
        known = { kind, tensors: await this.#alone(() => this.#tensors.read(kind, this.#isSaved)) };
      }
      return known.tensors.get(parameter)!.data;
    };
    return { layout, data };
  }

  /**
   * Goes on from where {@link optimizerState} was written; the parameters are those that the state was created with.
   *
   * @throws WEIGHTS_MISMATCH naming a moment or adapter whose contents have another length
   */
  restore({ steps, read }: OptimizerState): Promise<void> {
    return this.#alone(async () => {
      for (const kind of this.#savedKinds()) {
        await this.#tensors.write(kind, (name) => read(`${kind}.${name}`), this.#isSaved);
      }
      this.#steps = steps;
    });
  }

  async dispose(): Promise<void> {
    await this.#programs.dispose();
    await this.#norm.dispose();
    await this.#update.dispose();
    await this.#tensors.dispose();
  }

  #savedKinds(): StateKind[] {
    return [...(this.#lora ? (["parameters"] as const) : []), ...momentKinds];
  }

  /**
   * Frozen weights have no moments. Parameters are saved beside a model whose weights have adapters merged into them: adapters, and
   * what is trained beside them.
   */
  readonly #isSaved = (name: string, kind: StateKind): boolean => kind !== "parameters" || this.#trained.has(name);

  async #runParts(
    parts: readonly TrainingBatch[],
    run: (part: TrainingBatch, totals: Record<string, Tensor>, index: number) => Promise<Fetches>,
  ): Promise<BatchLosses> {
    if (parts.length === 0) throw optionError("training step", "at least one part of a batch", "none");
    const sum = (count: (part: TrainingBatch) => number) => parts.reduce((total, part) => total + count(part), 0);
    const totals = {
      batch_answer_tokens: scalar(sum((part) => part.answerTokens)),
      batch_instruction_tokens: scalar(sum((part) => part.instructionTokens)),
      batch_samples: scalar(sum((part) => part.samples)),
    };
    const losses = { loss: 0, answer: 0, visionToText: 0, textToVision: 0 };
    const answerLosses: Float32Array[] = [];
    for (const [index, part] of parts.entries()) {
      const fetched = await run(part, totals, index);
      losses.loss += numberOf(fetched.loss!);
      losses.answer += numberOf(fetched.loss_answer!);
      losses.visionToText += numberOf(fetched.loss_v2t!);
      losses.textToVision += numberOf(fetched.loss_t2v!);
      answerLosses.push(valuesOf(fetched.answer_losses!, part));
    }
    return { ...losses, answerLosses };
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

/** Of the answer tokens, without the padding behind them. */
function valuesOf({ data }: Tensor, { answerTokens }: TrainingBatch): Float32Array {
  return (data as Float32Array).slice(0, answerTokens);
}

function splitStateName(name: string): [StateKind, string] {
  const dot = name.indexOf(".");
  return [name.slice(0, dot) as StateKind, name.slice(dot + 1)];
}

function numberOf(value: Tensor): number {
  return Number(value.data[0]);
}
