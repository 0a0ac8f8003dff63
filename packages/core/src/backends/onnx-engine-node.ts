import type * as Ort from "onnxruntime-node";
import { FusionError } from "../errors/index.ts";
import type { Dtype, Tensor } from "../tensor/index.ts";
import type {
  Backend,
  CompileOptions,
  Feeds,
  Fetches,
  OnnxModel,
  Program,
  RunOptions,
  StateTensor,
  StateWrite,
} from "./backend.ts";
import { copyBlock } from "./block-copy.ts";
import { checkAllocation, checkBorder, checkFeeds, checkOutputs, checkWrite } from "./check-run.ts";
import { disposedError, foreignStateError } from "./engine-errors.ts";
import { allocateZeros, HostState, type StateOwner } from "./host-state.ts";
import { loadOrt, type NodeDevice, ortError, sessionOptions } from "./ort-node.ts";
import { probeModel } from "./probe-model.ts";
import { SerialQueue } from "./serial-queue.ts";

export interface OnnxEngineOptions {
  readonly device: NodeDevice;
  readonly reason: string;
  /** Threads inside an operator; ONNX Runtime's own choice (the physical cores) when absent. */
  readonly threads?: number;
  /** Shared with other engines whose runs must not overlap; its own when absent. */
  readonly queue?: SerialQueue;
}

/**
 * ONNX Runtime in the calling thread: `run` blocks it while it computes.
 *
 * The first session of a process makes its thread flush denormal numbers to zero, in JavaScript too.
 * Throws BACKEND_UNAVAILABLE when the runtime or the device does not start; there is no fallback to another device.
 */
export async function onnxEngine(options: OnnxEngineOptions): Promise<Backend> {
  const engine = new OnnxEngine(await loadOrt(), options);
  if (options.device !== "cpu") await proveDevice(engine);
  return engine;
}

/** Runs a one-element graph: a driver that is there but does not work fails here, not in the middle of a model. */
async function proveDevice(engine: OnnxEngine): Promise<void> {
  try {
    const program = await engine.compile(probeModel);
    await program.run({ x: { dtype: "float32", shape: [1], data: Float32Array.of(1) } });
    await program.dispose();
  } catch (error) {
    const cause = error instanceof FusionError && error.cause !== undefined ? error.cause : error;
    const hint = `Install what ${engine.device} needs (docs/backends.md), or choose the device cpu.`;
    throw ortError("BACKEND_UNAVAILABLE", `device ${engine.device}`, cause, hint);
  }
}

class OnnxEngine implements Backend, StateOwner {
  readonly device: NodeDevice;
  readonly reason: string;
  readonly queue: SerialQueue;
  readonly states = new Set<HostState>();
  readonly programs = new Set<OnnxProgram>();
  readonly ort: typeof Ort;
  readonly #threads: number | undefined;
  #disposed = false;

  constructor(ort: typeof Ort, { device, reason, threads, queue = new SerialQueue() }: OnnxEngineOptions) {
    this.ort = ort;
    this.device = device;
    this.reason = reason;
    this.queue = queue;
    this.#threads = threads;
  }

  compile(model: OnnxModel, options: CompileOptions = {}): Promise<Program> {
    return this.#call(async () => {
      checkBorder(model);
      const session = await this.#createSession(model, options);
      const program = new OnnxProgram(this, model, session);
      this.programs.add(program);
      return program;
    });
  }

  async #createSession(model: OnnxModel, options: CompileOptions): Promise<Ort.InferenceSession> {
    const { device } = this;
    const settings = { ...options, device, threads: this.#threads, weightsFolder: model.weightsFolder };
    try {
      return await this.ort.InferenceSession.create(model.bytes, await sessionOptions(settings));
    } catch (cause) {
      throw ortError("BACKEND_FAILED", model.name, cause, "Check the graph, and that its weights files are complete.");
    }
  }

  allocate(dtype: Dtype, shape: readonly number[]): Promise<StateTensor> {
    return this.#call(() => {
      checkAllocation(dtype, shape);
      return new HostState(this, allocateZeros(dtype, shape));
    });
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.queue.run(async () => {
      for (const state of this.states) state.release();
      for (const program of this.programs) await program.release();
    });
  }

  async #call<T>(job: () => T | Promise<T>): Promise<T> {
    if (this.#disposed) throw disposedError("backend");
    return this.queue.run(job);
  }
}

class OnnxProgram implements Program {
  readonly model: Program["model"];
  readonly #engine: OnnxEngine;
  #session: Ort.InferenceSession | undefined;

  constructor(engine: OnnxEngine, { name, inputs, outputs }: OnnxModel, session: Ort.InferenceSession) {
    this.model = { name, inputs, outputs };
    this.#engine = engine;
    this.#session = session;
  }

  run(feeds: Feeds, options: RunOptions = {}): Promise<Fetches> {
    return this.#engine.queue.run(async () => {
      if (!this.#session) throw disposedError(`program ${this.model.name}`);
      checkFeeds(this.model, feeds);
      const returned = checkOutputs(this.model, options);
      const writes = this.#checkedWrites(options.write ?? {});
      const inputs = Object.fromEntries(
        Object.entries(feeds).map(([name, feed]) => [
          name,
          this.#toOrt("data" in feed ? feed : this.#own(feed).tensor),
        ]),
      );

      const results = await this.#execute(this.#session, inputs, [...returned, ...writes.keys()]);

      const blocks = [...writes].map(([name, write]) => ({ name, write, block: fromOrt(results[name]!) }));
      // All are checked before the first is copied, so that a failed run leaves every state as it was.
      for (const { name, write, block } of blocks) checkWrite(this.model, name, block, write);
      for (const { write, block } of blocks) {
        const { axis, offset } = write;
        copyBlock(block, this.#own(write.into).tensor, { axis, from: 0, to: offset, length: block.shape[axis]! });
      }
      return Object.fromEntries(returned.map((name) => [name, fromOrt(results[name]!)]));
    });
  }

  async #execute(session: Ort.InferenceSession, inputs: Record<string, Ort.Tensor>, names: string[]) {
    try {
      return await session.run(inputs, names);
    } catch (cause) {
      const hint = "Look at the shapes that meet at this node: graph.print() lists them.";
      throw ortError("BACKEND_FAILED", this.model.name, cause, hint);
    }
  }

  #checkedWrites(writes: Readonly<Record<string, StateWrite>>): Map<string, StateWrite> {
    for (const output of this.model.outputs) {
      const write = writes[output.name];
      if (!write) continue;
      checkWrite(this.model, output.name, output, write);
      // Throws for a foreign or disposed state.
      void this.#own(write.into).tensor;
    }
    return new Map(Object.entries(writes));
  }

  #own(state: StateTensor): HostState {
    if (state instanceof HostState && state.owner === this.#engine) return state;
    throw foreignStateError(this.model.name);
  }

  #toOrt({ dtype, shape, data }: Tensor): Ort.Tensor {
    // ONNX Runtime refuses shared memory; this copy keeps the caller's choice of memory his own.
    const own = data.buffer instanceof SharedArrayBuffer ? data.slice() : data;
    return new this.#engine.ort.Tensor(dtype as "float32", own as Float32Array, shape as number[]);
  }

  dispose(): Promise<void> {
    return this.#engine.queue.run(() => this.release());
  }

  async release(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    this.#engine.programs.delete(this);
    await session?.release();
  }
}

function fromOrt(value: Ort.Tensor): Tensor {
  const dtype = value.type as Dtype;
  const data = value.data as Float32Array;
  // Newer Node versions give float16 as Float16Array; ours is the raw words.
  const raw = dtype === "float16" ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data;
  return { dtype, shape: value.dims, data: raw } as Tensor;
}
