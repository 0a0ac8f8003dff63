import { Worker } from "node:worker_threads";
import { decodeError, FusionError } from "../errors/index.ts";
import { workerFile } from "../files/index-node.ts";
import type { PictureReply, PictureRequest } from "./picture-worker-node.ts";
import { type PreparedImage, type PrepareOptions, prepareImage } from "./prepare-image-node.ts";

/** Prepares pictures one after another. */
export interface PicturePreparer {
  /** Throws as `prepareImage`; BACKEND_FAILED when the thread ended before it answered, and after dispose. */
  prepare(source: string | Uint8Array, options: PrepareOptions): Promise<PreparedImage>;
  /** Waits for pictures under way and ends the thread. */
  dispose(): Promise<void>;
}

/**
 * Pictures prepared in a worker thread, so that the event loop stays free while a large one is resized.
 *
 * The thread starts with the first picture and does not keep the process alive while it is idle.
 *
 * @throws BACKEND_UNAVAILABLE when the built worker file is not there
 */
export function picturePreparer(url: URL = workerFile("picture")): PicturePreparer {
  return new PictureThread(url);
}

/** Pictures prepared in the calling thread: resizing blocks its event loop, for tenths of a second where they are large. */
export function inlinePreparer(): PicturePreparer {
  return { prepare: prepareImage, dispose: async () => {} };
}

interface Pending {
  resolve(image: PreparedImage): void;
  reject(error: FusionError): void;
}

class PictureThread implements PicturePreparer {
  readonly #url: URL;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #requests = 0;
  #disposed: Promise<void> | undefined;

  constructor(url: URL) {
    this.#url = url;
  }

  async prepare(source: string | Uint8Array, options: PrepareOptions): Promise<PreparedImage> {
    if (this.#disposed) throw disposedError();
    const isBytes = source instanceof Uint8Array;
    // What is no picture source at all is refused before anyone tries to send it.
    if (!isBytes && typeof source !== "string") return prepareImage(source, options);
    // A view may show a little of a large buffer; sending it would copy all of that.
    const own = isBytes ? new Uint8Array(source) : source;
    const id = ++this.#requests;
    this.#worker ??= this.#start();
    this.#worker.postMessage(
      { id, source: own, options } satisfies PictureRequest,
      isBytes ? [(own as Uint8Array<ArrayBuffer>).buffer] : [],
    );
    this.#worker.ref();
    return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
  }

  dispose(): Promise<void> {
    this.#disposed ??= this.#end();
    return this.#disposed;
  }

  #start(): Worker {
    // No inherited flags: those of a test runner or a debugger are meant for the main thread.
    const worker = new Worker(this.#url, { name: "fusion-pictures", execArgv: [] });
    let failure = "";
    worker.on("message", (reply: PictureReply) => this.#settle(reply));
    worker.on("error", (cause) => {
      failure = cause.message;
    });
    worker.on("exit", (code) => {
      this.#worker = undefined;
      for (const { reject } of this.#pending.values()) reject(endedError(code, failure));
      this.#pending.clear();
    });
    worker.unref();
    return worker;
  }

  #settle(reply: PictureReply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (this.#pending.size === 0 && !this.#disposed) this.#worker?.unref();
    if ("error" in reply) pending?.reject(decodeError(reply.error));
    else pending?.resolve(reply.image);
  }

  async #end(): Promise<void> {
    const worker = this.#worker;
    if (!worker) return;
    const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    worker.ref();
    worker.postMessage("end");
    await ended;
  }
}

function endedError(exitCode: number, reason: string): FusionError {
  return new FusionError({
    code: "BACKEND_FAILED",
    at: "picture worker",
    message: `picture worker: expected a picture, it ended with code ${exitCode}${reason && `: ${reason}`}`,
    hint: "Look at the memory that is left: a thread that runs out of it ends like this. Then ask again.",
    details: { exitCode },
  });
}

function disposedError(): FusionError {
  return new FusionError({
    code: "BACKEND_FAILED",
    at: "picture worker",
    expected: "a live one",
    actual: "one that was disposed",
    hint: "Prepare pictures before dispose().",
  });
}
