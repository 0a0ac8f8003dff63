import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { FusionError } from "../errors/index.ts";
import type { EngineExit, SpawnRequest, WorkerRole } from "./engine-worker-node.ts";
import type { OnnxEngineOptions } from "./onnx-engine-node.ts";

type ExitListener = (error: FusionError) => void;

/** One root thread per worker file and process; see engine-worker-node.ts for why engines are not started from here. */
const roots = new Map<string, EngineRoot>();

/** A running engine thread, seen from the main thread. */
export interface EngineThread {
  readonly port: MessagePort;
  /** Keeps the process alive until as many calls of release(). */
  hold(): void;
  release(): void;
}

/** Starts an engine thread; `onExit` hears how it ended, however it ended. */
export function spawnEngine(url: URL, options: OnnxEngineOptions, onExit: ExitListener): EngineThread {
  let root = roots.get(url.href);
  if (!root) {
    root = new EngineRoot(url, () => roots.delete(url.href));
    roots.set(url.href, root);
  }
  return root.spawn(options, onExit);
}

class EngineRoot {
  readonly #worker: Worker;
  readonly #listeners = new Map<number, ExitListener>();
  #engines = 0;
  #holds = 0;
  #failure = "";

  constructor(url: URL, onEnd: () => void) {
    const data: WorkerRole = { role: "root" };
    // No inherited flags: those of a test runner or a debugger are meant for the main thread.
    this.#worker = new Worker(url, { name: "fusion-engine-root", workerData: data, execArgv: [] });
    this.#worker.on("message", ({ engine, code, error }: EngineExit) => this.#end(engine, code, error));
    this.#worker.on("error", (cause) => {
      this.#failure = cause.message;
    });
    this.#worker.on("exit", (code) => {
      onEnd();
      for (const engine of this.#listeners.keys()) this.#end(engine, code, this.#failure);
    });
    // Idle engines never keep the process alive; only calls that wait for an answer do, by hold().
    this.#worker.unref();
  }

  spawn(options: OnnxEngineOptions, onExit: ExitListener): EngineThread {
    const { port1, port2 } = new MessageChannel();
    const engine = ++this.#engines;
    this.#listeners.set(engine, onExit);
    const request: SpawnRequest = { engine, port: port2, options };
    this.#worker.postMessage(request, [port2]);
    return {
      port: port1,
      hold: () => {
        if (this.#holds++ === 0) this.#worker.ref();
      },
      release: () => {
        if (--this.#holds === 0) this.#worker.unref();
      },
    };
  }

  #end(engine: number, code: number, error: string | undefined): void {
    const listener = this.#listeners.get(engine);
    this.#listeners.delete(engine);
    listener?.(
      new FusionError({
        code: "BACKEND_FAILED",
        at: "engine worker",
        message: `engine worker: expected it to run until dispose, it ended with code ${code}${error ? `: ${error}` : ""}`,
        hint: "Look at the memory that is left: a thread that runs out of it ends like this. Then make a new backend.",
        details: { exitCode: code },
      }),
    );
  }
}
