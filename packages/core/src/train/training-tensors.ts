import type { Backend, Program, RunOptions, StateTensor } from "../backends/index.ts";
import { FusionError } from "../errors/index.ts";
import { buildGraph } from "../ops/index.ts";
import { compileFed } from "../session/index.ts";
import { type Tensor, tensor } from "../tensor/index.ts";
import type { Optimizer } from "./optimizer.ts";
import {
  type FlatParameter,
  type ParameterGroup,
  type StateKind,
  stateLayout,
  stateNames,
  trainedGroups,
} from "./parameter-groups.ts";

/** Chooses parameters by checkpoint name. */
type Wanted = (name: string, kind: StateKind) => boolean;

/** The flat vectors of a model in training, which stay with the engine. */
export class TrainingTensors {
  private constructor(
    private readonly backend: Backend,
    private readonly groups: readonly ParameterGroup[],
    private readonly states: ReadonlyMap<string, StateTensor>,
  ) {}

  /** All zeros: of each group its parameters, of one that is trained also a gradient and what the optimiser keeps. */
  static async allocate(
    backend: Backend,
    groups: readonly ParameterGroup[],
    optimizer: Optimizer,
  ): Promise<TrainingTensors> {
    const states = new Map<string, StateTensor>();
    for (const group of groups) {
      const trained: readonly StateKind[] = group.frozen ? [] : ["gradient", ...optimizer.moments(group)];
      for (const kind of ["parameters", ...trained] as const) {
        states.set(stateNames[kind](group), await backend.allocate("float32", [stateLayout(kind, group).size]));
      }
    }
    return new TrainingTensors(backend, groups, states);
  }

  /**
   * Fills one kind, where it is kept, for every parameter or for those of them that are wanted.
   *
   * @throws WEIGHTS_MISMATCH naming a parameter whose contents have another length than it
   */
  async write(
    kind: StateKind,
    read: (name: string) => Promise<Float32Array>,
    isWanted: Wanted = () => true,
  ): Promise<void> {
    const fill = await this.#compileFill();
    try {
      for (const group of this.#keeping(kind)) {
        const into = this.#state(kind, group);
        const { pieces, size: total } = stateLayout(kind, group);
        const wanted = pieces.filter(({ name }) => isWanted(name, kind));
        if (wanted.length === 0) continue;
        const isWhole = wanted.length === pieces.length;
        const flat = isWhole ? new Float32Array(total) : ((await into.read()).data as Float32Array);
        for (const { name, offset, size, shape } of wanted) {
          const values = await read(name);
          if (values.length !== size) throw wrongLength(name, shape, size, values.length);
          flat.set(values, offset);
        }
        await fill.run({ x: tensor("float32", into.shape, flat) }, { write: { y: { into, axis: 0, offset: 0 } } });
      }
    } finally {
      await fill.dispose();
    }
  }

  /** One kind for every parameter that it is kept for, or those of them that are wanted, by checkpoint name. */
  async read(kind: StateKind, isWanted: Wanted = () => true): Promise<Map<string, Tensor<"float32">>> {
    const tensors = new Map<string, Tensor<"float32">>();
    for (const group of this.#keeping(kind)) {
      const wanted = stateLayout(kind, group).pieces.filter(({ name }) => isWanted(name, kind));
      if (wanted.length === 0) continue;
      const { data } = await this.#state(kind, group).read();
      for (const { name, shape, offset, size } of wanted) {
        tensors.set(name, tensor("float32", shape, (data as Float32Array).slice(offset, offset + size)));
      }
    }
    return tensors;
  }

  /** Names and shapes of what is kept of one kind, for the parameters that are wanted. */
  layout(kind: StateKind, isWanted: Wanted): FlatParameter[] {
    const pieces = this.#keeping(kind).flatMap((group) => stateLayout(kind, group).pieces);
    return pieces.filter(({ name }) => isWanted(name, kind));
  }

  /** The vectors of all groups as inputs of a program. */
  feeds(...kinds: StateKind[]): Record<string, StateTensor> {
    return Object.fromEntries(this.#named(kinds, this.groups));
  }

  /** The vectors of the trained groups as inputs of a program. */
  trainedFeeds(...kinds: StateKind[]): Record<string, StateTensor> {
    return Object.fromEntries(this.#named(kinds, trainedGroups(this.groups)));
  }

  /** Outputs called `<state>.next` overwrite their state; frozen groups have none. */
  writes(...kinds: StateKind[]): NonNullable<RunOptions["write"]> {
    const named = this.#named(kinds, trainedGroups(this.groups));
    return Object.fromEntries(named.map(([name, into]) => [`${name}.next`, { into, axis: 0, offset: 0 }]));
  }

  async dispose(): Promise<void> {
    for (const state of this.states.values()) await state.dispose();
  }

  #named(kinds: readonly StateKind[], groups: readonly ParameterGroup[]): [string, StateTensor][] {
    const names = kinds.flatMap((kind) => groups.map(stateNames[kind]));
    return names.flatMap((name): [string, StateTensor][] =>
      this.states.has(name) ? [[name, this.states.get(name)!]] : [],
    );
  }

  #keeping(kind: StateKind): ParameterGroup[] {
    return this.groups.filter((group) => this.states.has(stateNames[kind](group)));
  }

  #state(kind: StateKind, group: ParameterGroup): StateTensor {
    return this.states.get(stateNames[kind](group))!;
  }

  /** State is written by programs alone, so a program that hands its input on fills it. */
  #compileFill(): Promise<Program> {
    return compileFed(
      this.backend,
      buildGraph("fusion.fill", (op) => op.output("y", op.input("x", "float32", ["N"]))),
    );
  }
}

function wrongLength(name: string, shape: readonly number[], size: number, actual: number): FusionError {
  return new FusionError({
    code: "WEIGHTS_MISMATCH",
    at: name,
    expected: `${size} values for shape [${shape.join(", ")}]`,
    actual: String(actual),
    hint: "Start from weights that fit the configuration.",
  });
}
