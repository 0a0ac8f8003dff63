import { availableParallelism } from "node:os";
import { FusionError, shownValue } from "../errors/index.ts";
import { workerFile } from "../files/index-node.ts";
import type { Backend } from "./backend.ts";
import { type OnnxEngineOptions, onnxEngine } from "./onnx-engine-node.ts";
import { disableTelemetry, type NodeDevice } from "./ort-node.ts";
import { SerialQueue } from "./serial-queue.ts";
import { workerBackend } from "./worker-backend-node.ts";

export interface NodeBackendOptions {
  /** `auto` when absent. A device that is asked for and does not start is an error, never replaced by another. */
  readonly device?: NodeDevice | "auto";
  /** Threads inside an operator, at most four for each processor; ONNX Runtime's own choice (the physical cores) when absent. */
  readonly threads?: number;
  /** Compute in a worker thread, so that the event loop stays free; true when absent. */
  readonly worker?: boolean;
}

/** Engine threads wait actively: thousands of them would bring the machine to a halt. */
function mostThreads(): number {
  return 4 * availableParallelism();
}

const devices: readonly string[] = ["auto", "cpu", "webgpu", "cuda"];

/** Two WebGPU sessions that run at once can crash the process (onnxruntime #32561): one lock for all backends. */
const webgpuRuns = new SerialQueue();

/**
 * ONNX Runtime for Node.
 *
 * Sets ORT_DISABLE_TELEMETRY=1 before the runtime is loaded, unless the variable is set already.
 * Throws OPTION_INVALID for a bad option, BACKEND_UNAVAILABLE when the runtime or the device does not start.
 */
export async function nodeBackend(options: NodeBackendOptions = {}): Promise<Backend> {
  const engine = engineOptions(options);
  disableTelemetry();
  return options.worker === false ? onnxEngine(engine) : workerBackend(workerFile("engine"), engine);
}

function engineOptions({ device = "auto", threads }: NodeBackendOptions): OnnxEngineOptions {
  if (!devices.includes(device))
    throw optionError(
      "device",
      `one of ${devices.join(", ")}`,
      typeof device === "string" ? device : shownValue(device),
    );
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= mostThreads())) {
    throw optionError(
      "threads",
      `a whole number from 1 to ${mostThreads()}, four for each processor`,
      shownValue(threads),
    );
  }
  const shared = { ...(threads !== undefined && { threads }), ...(device === "webgpu" && { queue: webgpuRuns }) };
  // Whether a GPU is faster depends on the model and its precision: auto takes what always works.
  if (device === "auto") return { device: "cpu", reason: "auto takes cpu; ask for webgpu or cuda by name", ...shared };
  return { device, reason: `${device} was asked for`, ...shared };
}

function optionError(name: string, expected: string, actual: string): FusionError {
  return new FusionError({
    code: "OPTION_INVALID",
    at: name,
    expected,
    actual,
    hint: `Correct the option ${name}.`,
  });
}
