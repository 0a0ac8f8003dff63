import type { Dtype, Tensor } from "../tensor/index.ts";

/** An input or output of a program. Symbolic dimensions are strings (`"S"`, `"I + 576"`). */
export interface ValueInfo {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly (number | string)[];
}

/** What a backend compiles: serialised ONNX, and the folder its external initialisers lie in. */
export interface OnnxModel {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Folder that the `location` of external initialisers is relative to; absent when there are none. */
  readonly weightsFolder?: string;
}

/**
 * A tensor that stays with the engine between runs (a KV cache, a trained parameter).
 *
 * Fed to a program like any input, without a copy; written by {@link RunOptions.write}.
 */
export interface StateTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Copies the contents out; for tests and for saving. */
  read(): Promise<Tensor>;
  /** A new state of another length along `axis`, holding the common part; this one is disposed. */
  resize(axis: number, length: number): Promise<StateTensor>;
  dispose(): Promise<void>;
}

/** Writes an output into a state: the block starting at `offset` along `axis` (large state in, small deltas out). */
export interface StateWrite {
  readonly into: StateTensor;
  readonly axis: number;
  readonly offset: number;
}

export interface RunOptions {
  /** Names of the outputs to return; all that are not written to a state when absent. */
  readonly fetch?: readonly string[];
  /** Output name → state that receives it. Such outputs are not returned. */
  readonly write?: Readonly<Record<string, StateWrite>>;
}

export type Feeds = Readonly<Record<string, Tensor | StateTensor>>;
export type Fetches = Record<string, Tensor>;

/** A compiled graph. */
export interface Program {
  readonly model: Pick<OnnxModel, "name" | "inputs" | "outputs">;
  /**
   * Runs once. Fed arrays must not change until the promise settles; they stay the caller's.
   *
   * Throws DTYPE_MISMATCH or SHAPE_MISMATCH naming the input or the write, OPTION_INVALID for names the program does not
   * have, BACKEND_FAILED naming the program and the node. Nothing is written when it throws.
   */
  run(feeds: Feeds, options?: RunOptions): Promise<Fetches>;
  dispose(): Promise<void>;
}

export interface CompileOptions {
  /** Keep weights in their file layout (memory-mapped, shared between programs) instead of repacking them for speed. */
  readonly prepack?: boolean;
  /**
   * Lay the memory of a run out as the first run with the same shapes needed it, in one block; true when absent. It is held
   * beside what that first run took, so a program whose tensors are large or whose shapes vary is better off without.
   */
  readonly planMemory?: boolean;
}

/** An engine: one implementation per way of running ONNX Runtime. */
export interface Backend {
  /** `cpu`, `webgpu`, `cuda`, `wasm`. */
  readonly device: string;
  /** Why this device: one line for people, such as `cpu was asked for`. */
  readonly reason: string;
  compile(model: OnnxModel, options?: CompileOptions): Promise<Program>;
  /** A zero-filled state. */
  allocate(dtype: Dtype, shape: readonly number[]): Promise<StateTensor>;
  /** Waits for calls already made, then ends every program and state; later calls throw BACKEND_FAILED. */
  dispose(): Promise<void>;
}
