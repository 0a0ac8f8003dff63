import { FusionError } from "../errors/index.ts";
import { type Dtype, type Tensor, zeros } from "../tensor/index.ts";
import type { StateTensor } from "./backend.ts";
import { copyBlock } from "./block-copy.ts";
import { checkResize } from "./check-run.ts";
import { disposedError } from "./engine-errors.ts";
import type { SerialQueue } from "./serial-queue.ts";

/** What a state needs of the engine that owns it. */
export interface StateOwner {
  readonly queue: SerialQueue;
  readonly states: Set<HostState>;
}

/** A state held in a typed array of the engine's thread: fed without a copy, written in place. */
export class HostState implements StateTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly owner: StateOwner;
  #tensor: Tensor | undefined;

  constructor(owner: StateOwner, tensor: Tensor) {
    this.owner = owner;
    this.dtype = tensor.dtype;
    this.shape = tensor.shape;
    this.#tensor = tensor;
    owner.states.add(this);
  }

  /** The live memory, not a copy. Throws BACKEND_FAILED after dispose. */
  get tensor(): Tensor {
    if (!this.#tensor) throw disposedError("state");
    return this.#tensor;
  }

  read(): Promise<Tensor> {
    return this.owner.queue.run(() => {
      const { dtype, shape, data } = this.tensor;
      return { dtype, shape, data: data.slice() } as Tensor;
    });
  }

  resize(axis: number, length: number): Promise<StateTensor> {
    return this.owner.queue.run(() => {
      checkResize(this.shape, axis, length);
      const old = this.tensor;
      const next = allocateZeros(this.dtype, this.shape.with(axis, length));
      copyBlock(old, next, { axis, from: 0, to: 0, length: Math.min(length, this.shape[axis]!) });
      this.release();
      return new HostState(this.owner, next);
    });
  }

  dispose(): Promise<void> {
    return this.owner.queue.run(() => this.release());
  }

  release(): void {
    this.#tensor = undefined;
    this.owner.states.delete(this);
  }
}

/** Throws BACKEND_FAILED, with the size, where the memory is not there. */
export function allocateZeros(dtype: Dtype, shape: readonly number[]): Tensor {
  try {
    return zeros(dtype, shape);
  } catch (cause) {
    throw new FusionError({
      code: "BACKEND_FAILED",
      at: "state",
      expected: `memory for ${dtype} [${shape.join(", ")}]`,
      actual: cause instanceof Error ? cause.message : String(cause),
      hint: "Ask for a smaller state (a shorter context), or free memory.",
      cause,
    });
  }
}
