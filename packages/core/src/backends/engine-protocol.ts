import type { WireError } from "../errors/index.ts";
import { type Dtype, dtypeFacts, type Tensor } from "../tensor/index.ts";
import type { CompileOptions, OnnxModel, StateWrite } from "./backend.ts";

/** A state, on the wire. */
export interface StateRef {
  readonly state: number;
}

/** What an engine in another thread can be asked; programs and states are numbers there. */
export interface EngineCalls {
  start: { args: Record<string, never>; result: null };
  compile: { args: { model: OnnxModel; options: CompileOptions }; result: number };
  run: {
    args: {
      program: number;
      feeds: Record<string, Tensor | StateRef>;
      fetch: readonly string[] | undefined;
      write: Record<string, Omit<StateWrite, "into"> & { into: number }>;
    };
    result: Record<string, Tensor>;
  };
  allocate: { args: { dtype: Dtype; shape: readonly number[] }; result: number };
  read: { args: StateRef; result: Tensor };
  resize: { args: StateRef & { axis: number; length: number }; result: number };
  disposeState: { args: StateRef; result: null };
  disposeProgram: { args: { program: number }; result: null };
  dispose: { args: Record<string, never>; result: null };
}

export type EngineMethod = keyof EngineCalls;

export interface EngineRequest<M extends EngineMethod = EngineMethod> {
  readonly id: number;
  readonly method: M;
  readonly args: EngineCalls[M]["args"];
}

export type EngineReply =
  | { readonly id: number; readonly result: EngineCalls[EngineMethod]["result"] }
  | { readonly id: number; readonly error: WireError };

/** A copy in memory of its own: sending it moves the copy and leaves the caller's array alone. */
export function copyTensor({ dtype, shape, data }: Tensor): Tensor {
  const copy = new dtypeFacts[dtype].array(data.length) as Float32Array;
  copy.set(data as Float32Array);
  return { dtype, shape, data: copy } as Tensor;
}

/** The memory of tensors that nobody else holds, each once: what postMessage may move instead of copying. */
export function transferList(values: readonly Tensor[]): ArrayBuffer[] {
  return [...new Set(values.map((value) => value.data.buffer as ArrayBuffer))];
}
