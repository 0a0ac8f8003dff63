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
} from "./backend.ts";
import { checkAllocation, checkFeeds, checkOutputs, checkResize } from "./check-run.ts";
import { EngineClient } from "./engine-client-node.ts";
import { disposedError, foreignStateError } from "./engine-errors.ts";
import { copyTensor, type StateRef, transferList } from "./engine-protocol.ts";
import type { OnnxEngineOptions } from "./onnx-engine-node.ts";
import type { SerialQueue } from "./serial-queue.ts";

/**
 * ONNX Runtime in a worker thread: the event loop stays free while it computes.
 *
 * Feeds are copied once, when run() is called; outputs are moved.
 *
 * @param url - the built engine-worker-node.js
 */
export async function workerBackend(url: URL, { queue, ...options }: OnnxEngineOptions): Promise<Backend> {
  const client = new EngineClient(url, options);
  try {
    await client.call("start", {});
  } catch (error) {
    await client.end();
    throw error;
  }
  return new WorkerBackend(client, options, queue);
}

class WorkerBackend implements Backend {
  readonly device: string;
  readonly reason: string;
  readonly client: EngineClient;
  /** Set where runs must not overlap with those of other backends; the thread keeps the order of its own calls. */
  readonly #queue: SerialQueue | undefined;
  #disposed: Promise<void> | undefined;

  constructor(client: EngineClient, options: OnnxEngineOptions, queue: SerialQueue | undefined) {
    this.client = client;
    this.device = options.device;
    this.reason = options.reason;
    this.#queue = queue;
  }

  async compile(model: OnnxModel, options: CompileOptions = {}): Promise<Program> {
    this.assertLive();
    const bytes = Uint8Array.from(model.bytes);
    const { name, inputs, outputs, weightsFolder } = model;
    const wire = { name, bytes, inputs, outputs, ...(weightsFolder !== undefined && { weightsFolder }) };
    const program = await this.exclusive(() => this.client.call("compile", { model: wire, options }, [bytes.buffer]));
    return new RemoteProgram(this, { name, inputs, outputs }, program);
  }

  async allocate(dtype: Dtype, shape: readonly number[]): Promise<StateTensor> {
    this.assertLive();
    checkAllocation(dtype, shape);
    const state = await this.client.call("allocate", { dtype, shape: [...shape] });
    return new RemoteState(this, dtype, [...shape], state);
  }

  dispose(): Promise<void> {
    this.#disposed ??= this.client.end();
    return this.#disposed;
  }

  get isDisposed(): boolean {
    return this.#disposed !== undefined;
  }

  assertLive(): void {
    if (this.isDisposed) throw disposedError("backend");
  }

  exclusive<T>(job: () => Promise<T>): Promise<T> {
    return this.#queue ? this.#queue.run(job) : job();
  }
}

class RemoteProgram implements Program {
  readonly model: Program["model"];
  readonly #backend: WorkerBackend;
  readonly #id: number;
  #disposed = false;

  constructor(backend: WorkerBackend, model: Program["model"], id: number) {
    this.#backend = backend;
    this.model = model;
    this.#id = id;
  }

  async run(feeds: Feeds, options: RunOptions = {}): Promise<Fetches> {
    if (this.#disposed) throw disposedError(`program ${this.model.name}`);
    this.#backend.assertLive();
    // The engine checks all of it again; here it costs microseconds and spares the copy of wrong feeds.
    checkFeeds(this.model, feeds);
    checkOutputs(this.model, options);
    const wire: Record<string, Tensor | StateRef> = {};
    const copies: Tensor[] = [];
    for (const [name, feed] of Object.entries(feeds)) {
      if ("data" in feed) {
        const copy = copyTensor(feed);
        copies.push(copy);
        wire[name] = copy;
      } else {
        wire[name] = { state: this.#own(feed).id };
      }
    }
    const writes = Object.entries(options.write ?? {}).map(([name, { into, axis, offset }]) => {
      return [name, { into: this.#own(into).id, axis, offset }];
    });
    const args = { program: this.#id, feeds: wire, fetch: options.fetch, write: Object.fromEntries(writes) };
    return this.#backend.exclusive(() => this.#backend.client.call("run", args, transferList(copies)));
  }

  #own(state: StateTensor): RemoteState {
    if (state instanceof RemoteState && state.backend === this.#backend) return state;
    throw foreignStateError(this.model.name);
  }

  async dispose(): Promise<void> {
    if (this.#disposed || this.#backend.isDisposed) return;
    this.#disposed = true;
    await this.#backend.client.call("disposeProgram", { program: this.#id });
  }
}

class RemoteState implements StateTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly backend: WorkerBackend;
  readonly #id: number;
  #disposed = false;

  constructor(backend: WorkerBackend, dtype: Dtype, shape: readonly number[], id: number) {
    this.backend = backend;
    this.dtype = dtype;
    this.shape = shape;
    this.#id = id;
  }

  /** Its number in the engine thread. Throws BACKEND_FAILED after dispose. */
  get id(): number {
    if (this.#disposed) throw disposedError("state");
    this.backend.assertLive();
    return this.#id;
  }

  async read(): Promise<Tensor> {
    return this.backend.client.call("read", { state: this.id });
  }

  async resize(axis: number, length: number): Promise<StateTensor> {
    checkResize(this.shape, axis, length);
    const next = await this.backend.client.call("resize", { state: this.id, axis, length });
    this.#disposed = true;
    return new RemoteState(this.backend, this.dtype, this.shape.with(axis, length), next);
  }

  async dispose(): Promise<void> {
    if (this.#disposed || this.backend.isDisposed) return;
    const state = this.id;
    this.#disposed = true;
    await this.backend.client.call("disposeState", { state });
  }
}
