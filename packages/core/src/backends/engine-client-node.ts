import { receiveMessageOnPort } from "node:worker_threads";
import { decodeError, type FusionError } from "../errors/index.ts";
import type { EngineCalls, EngineMethod, EngineReply } from "./engine-protocol.ts";
import { type EngineThread, spawnEngine } from "./engine-root-node.ts";
import type { OnnxEngineOptions } from "./onnx-engine-node.ts";

interface Pending {
  resolve(result: unknown): void;
  reject(error: FusionError): void;
}

/** Asks an engine thread and waits for its answers. A waiting call keeps the process alive, an idle client does not. */
export class EngineClient {
  /** Settles when the thread has ended. */
  readonly ended: Promise<void>;
  readonly #thread: EngineThread;
  readonly #pending = new Map<number, Pending>();
  #calls = 0;
  #death: FusionError | undefined;

  /** @param url - the built engine-worker-node.js */
  constructor(url: URL, options: OnnxEngineOptions) {
    let end = () => {};
    this.ended = new Promise((resolve) => {
      end = resolve;
    });
    this.#thread = spawnEngine(url, options, (error) => {
      this.#die(error);
      end();
    });
    this.#thread.port.on("message", (reply: EngineReply) => this.#settle(reply));
    this.#thread.port.unref();
  }

  /** Rejects with the engine's own error, or with BACKEND_FAILED when the thread ended before it answered. */
  call<M extends EngineMethod>(
    method: M,
    args: EngineCalls[M]["args"],
    transfer: ArrayBuffer[] = [],
  ): Promise<EngineCalls[M]["result"]> {
    return new Promise((resolve, reject) => {
      if (this.#death) {
        reject(this.#death);
        return;
      }
      const id = ++this.#calls;
      this.#thread.port.postMessage({ id, method, args }, transfer);
      this.#pending.set(id, { resolve: resolve as Pending["resolve"], reject });
      this.#thread.hold();
    });
  }

  /** Lets the thread finish its calls and waits for its end. */
  async end(): Promise<void> {
    if (this.#death) return;
    this.#thread.hold();
    try {
      await this.call("dispose", {});
    } finally {
      await this.ended;
      this.#thread.release();
    }
  }

  #settle(reply: EngineReply): void {
    const pending = this.#pending.get(reply.id);
    if (!pending) return;
    this.#pending.delete(reply.id);
    this.#thread.release();
    if ("error" in reply) pending.reject(decodeError(reply.error));
    else pending.resolve(reply.result);
  }

  #die(error: FusionError): void {
    // The news of the thread's end may overtake its last answers: they lie at the port.
    for (let last = receiveMessageOnPort(this.#thread.port); last; last = receiveMessageOnPort(this.#thread.port)) {
      this.#settle(last.message as EngineReply);
    }
    this.#death = error;
    for (const [id, pending] of this.#pending) {
      this.#pending.delete(id);
      this.#thread.release();
      pending.reject(error);
    }
    this.#thread.port.close();
  }
}
