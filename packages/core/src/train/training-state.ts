import type { Backend, Program, StateTensor } from "../backends/index.ts";
import { type FusionConfig, fusionParameters } from "../fusion/index.ts";
import { buildGraph } from "../ops/index.ts";
import { compileFed } from "../session/index.ts";
import { float32, type Tensor, tensor } from "../tensor/index.ts";
import { type BatchSizes, gradientGraph } from "./gradient-graph.ts";
import { type ParameterGroup, parameterGroups, stateNames } from "./parameter-groups.ts";
import type { TrainingBatch } from "./training-batch.ts";
import { type AdamWOptions, updateGraph } from "./update-graph.ts";

export interface TrainingOptions extends Partial<AdamWOptions> {
  /** Of matrices; norms and biases are never decayed. 0 when absent, as in the paper. */
  readonly weightDecay?: number;
}

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
  /** L2 norm over all parameters before clipping. */
  readonly gradientNorm: number;
}

type StateKind = keyof typeof stateNames;

/**
 * Parameters, gradients and AdamW moments of a model in training; they stay with the engine from step to step.
 *
 * A step runs one gradient program for each part of its batch and one update program. Gradient programs are compiled
 * once for each number of latents and each batch shape.
 */
export class TrainingState {
  readonly #backend: Backend;
  readonly #config: FusionConfig;
  readonly #groups: readonly ParameterGroup[];
  readonly #states: ReadonlyMap<string, StateTensor>;
  readonly #update: Program;
  readonly #adamw: AdamWOptions;
  readonly #programs = new Map<string, Promise<Program>>();
  #steps = 0;

  private constructor(
    backend: Backend,
    config: FusionConfig,
    groups: readonly ParameterGroup[],
    states: ReadonlyMap<string, StateTensor>,
    update: Program,
    adamw: AdamWOptions,
  ) {
    this.#backend = backend;
    this.#config = config;
    this.#groups = groups;
    this.#states = states;
    this.#update = update;
    this.#adamw = adamw;
  }

  /** @param read - contents of a parameter by checkpoint name, float32 */
  static async create(
    backend: Backend,
    config: FusionConfig,
    read: (name: string) => Promise<Float32Array>,
    options: TrainingOptions = {},
  ): Promise<TrainingState> {
    const { weightDecay = 0, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, maxGradientNorm = 1 } = options;
    const adamw: AdamWOptions = { beta1, beta2, epsilon, maxGradientNorm };
    const groups = parameterGroups(fusionParameters(config), { weightDecay });
    const states = new Map<string, StateTensor>();
    for (const group of groups) {
      for (const name of Object.values(stateNames)) {
        states.set(name(group), await backend.allocate("float32", [group.size]));
      }
    }
    const update = await compileFed(backend, updateGraph(groups, adamw));
    const state = new TrainingState(backend, config, groups, states, update, adamw);
    for (const group of groups) {
      const flat = new Float32Array(group.size);
      for (const { name, offset } of group.parameters) flat.set(await read(name), offset);
      await state.#fill("parameters", group, flat);
    }
    return state;
  }

  /** Updates made so far. */
  get steps(): number {
    return this.#steps;
  }

  /** One AdamW step over a batch given in parts; the result is that of the whole batch at once. */
  async step(parts: readonly TrainingBatch[], latents: number, learningRate: number): Promise<StepResult> {
    const losses = await this.accumulate(parts, latents);
    const gradientNorm = await this.#apply(learningRate);
    return { ...losses, gradientNorm };
  }

  /** Forward and backward passes alone: the gradient of the batch is then in the state. */
  async accumulate(parts: readonly TrainingBatch[], latents: number): Promise<StepLosses> {
    const sum = (count: (part: TrainingBatch) => number) => parts.reduce((total, part) => total + count(part), 0);
    const totals = {
      batch_answer_tokens: scalar(sum((part) => part.answerTokens)),
      batch_instruction_tokens: scalar(sum((part) => part.instructionTokens)),
      batch_samples: scalar(sum((part) => part.samples)),
    };
    const losses = { loss: 0, answer: 0, visionToText: 0, textToVision: 0 };
    for (const [index, part] of parts.entries()) {
      const program = await this.#program(latents, part.sizes);
      const fetched = await program.run(
        { ...part.feeds, ...totals, keep: scalar(index === 0 ? 0 : 1), ...this.#feeds("parameters", "gradient") },
        { write: this.#writes("gradient") },
      );
      losses.loss += numberOf(fetched.loss!);
      losses.answer += numberOf(fetched.loss_answer!);
      losses.visionToText += numberOf(fetched.loss_v2t!);
      losses.textToVision += numberOf(fetched.loss_t2v!);
    }
    return losses;
  }

  /** The current value of a kind of state for every parameter, by checkpoint name. */
  async read(kind: StateKind = "parameters"): Promise<Map<string, Tensor<"float32">>> {
    const tensors = new Map<string, Tensor<"float32">>();
    for (const group of this.#groups) {
      const { data } = await this.#state(kind, group).read();
      for (const { name, shape, offset, size } of group.parameters) {
        tensors.set(name, tensor("float32", shape, (data as Float32Array).slice(offset, offset + size)));
      }
    }
    return tensors;
  }

  async dispose(): Promise<void> {
    for (const program of this.#programs.values()) await (await program).dispose();
    await this.#update.dispose();
    for (const state of this.#states.values()) await state.dispose();
  }

  async #apply(learningRate: number): Promise<number> {
    this.#steps += 1;
    const { beta1, beta2 } = this.#adamw;
    const { gradient_norm } = await this.#update.run(
      {
        learning_rate: scalar(learningRate),
        correction1: scalar(1 - beta1 ** this.#steps),
        correction2: scalar(Math.sqrt(1 - beta2 ** this.#steps)),
        ...this.#feeds("parameters", "gradient", "firstMoment", "secondMoment"),
      },
      { write: this.#writes("parameters", "firstMoment", "secondMoment") },
    );
    return numberOf(gradient_norm!);
  }

  #program(latents: number, sizes: BatchSizes): Promise<Program> {
    const key = JSON.stringify([latents, sizes.B, sizes.I, sizes.M, sizes.R, sizes.S, sizes.T]);
    const known = this.#programs.get(key);
    if (known) return known;
    const program = compileFed(this.#backend, gradientGraph(this.#config, latents, this.#groups, sizes));
    this.#programs.set(key, program);
    program.catch(() => this.#programs.delete(key));
    return program;
  }

  /** State is written by programs alone, so a program that hands its input on fills it. */
  async #fill(kind: StateKind, group: ParameterGroup, data: Float32Array): Promise<void> {
    const graph = buildGraph("fusion.fill", (op) => op.output("y", op.input("x", "float32", [group.size])));
    const program = await compileFed(this.#backend, graph);
    const into = this.#state(kind, group);
    await program.run({ x: tensor("float32", [group.size], data) }, { write: { y: { into, axis: 0, offset: 0 } } });
    await program.dispose();
  }

  #state(kind: StateKind, group: ParameterGroup): StateTensor {
    return this.#states.get(stateNames[kind](group))!;
  }

  #feeds(...kinds: StateKind[]): Record<string, StateTensor> {
    return Object.fromEntries(
      kinds.flatMap((kind) => this.#groups.map((group) => [stateNames[kind](group), this.#state(kind, group)])),
    );
  }

  #writes(...kinds: StateKind[]) {
    return Object.fromEntries(
      kinds.flatMap((kind) =>
        this.#groups.map((group) => [
          `${stateNames[kind](group)}.next`,
          { into: this.#state(kind, group), axis: 0, offset: 0 },
        ]),
      ),
    );
  }
}

function scalar(value: number): Tensor {
  return float32([], [value]);
}

function numberOf(value: Tensor): number {
  return Number(value.data[0]);
}
