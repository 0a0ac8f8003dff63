import { type MessagePort, parentPort, Worker, workerData } from "node:worker_threads";
import { encodeError } from "../errors/index.ts";
import type { EngineRequest } from "./engine-protocol.ts";
import { serveEngine } from "./engine-server.ts";
import { type OnnxEngineOptions, onnxEngine } from "./onnx-engine-node.ts";
import { probeModel } from "./probe-model.ts";

/*
 * The entry of every worker thread of nodeBackend(), in one of two roles.
 *
 * ONNX Runtime makes only the thread that creates the FIRST session of a process flush denormal numbers; a thread inherits
 * that from the one that starts it. So one root thread creates that session, and starts every engine thread. Without
 * it a second engine of the process would compute its share of each operator with denormals (four times slower attention).
 */

export type WorkerRole =
  | { readonly role: "root" }
  | { readonly role: "engine"; readonly port: MessagePort; readonly options: OnnxEngineOptions };

/** Main thread → root. */
export interface SpawnRequest {
  readonly engine: number;
  readonly port: MessagePort;
  readonly options: OnnxEngineOptions;
}

/** Root → main thread: an engine thread has ended. */
export interface EngineExit {
  readonly engine: number;
  readonly code: number;
  readonly error?: string;
}

async function serveRoot(): Promise<void> {
  await flushDenormals();
  parentPort!.on("message", ({ engine, port, options }: SpawnRequest) => {
    const data: WorkerRole = { role: "engine", port, options };
    const worker = new Worker(new URL(import.meta.url), {
      name: "fusion-engine",
      workerData: data,
      transferList: [port],
      execArgv: [],
    });
    let error: string | undefined;
    worker.on("error", (cause) => {
      error = encodeError(cause, "engine worker").message;
    });
    worker.on("exit", (code) => {
      parentPort!.postMessage({ engine, code, ...(error && { error }) } satisfies EngineExit);
    });
  });
}

async function flushDenormals(): Promise<void> {
  try {
    const engine = await onnxEngine({ device: "cpu", reason: "first session of the process", threads: 1 });
    await engine.compile(probeModel);
  } catch {
    // Each engine thread makes the same attempt when it starts, and there the failure has someone to go to.
  }
}

function serveEngineThread({ port, options }: Extract<WorkerRole, { role: "engine" }>): void {
  const answer = serveEngine(
    () => onnxEngine(options),
    (reply, transfer) => port.postMessage(reply, transfer),
  );
  const unanswered = new Set<Promise<void>>();
  port.on("message", async (request: EngineRequest) => {
    const answered = answer(request);
    unanswered.add(answered);
    await answered;
    unanswered.delete(answered);
    if (request.method !== "dispose") return;
    await Promise.all(unanswered);
    // Without its port nothing holds the thread: it ends by itself.
    port.close();
  });
}

const role = workerData as WorkerRole;
if (role.role === "root") await serveRoot();
else serveEngineThread(role);
