import { realpath } from "node:fs/promises";
import type * as Ort from "onnxruntime-node";
import { type ErrorCode, FusionError } from "../errors/index.ts";
import type { CompileOptions } from "./backend.ts";

export type NodeDevice = "cpu" | "webgpu" | "cuda";

/** Only errors that end a process are logged natively: all others are thrown, and would be told twice. */
const logSeverityLevel = 4;

/**
 * Imports onnxruntime-node on first use. Throws BACKEND_UNAVAILABLE where it cannot be loaded.
 *
 * Telemetry of the Linux binary is decided when it is loaded, by the environment of the main thread: a program that uses
 * engines in its own worker threads only must set ORT_DISABLE_TELEMETRY itself.
 */
export async function loadOrt(): Promise<typeof Ort> {
  disableTelemetry();
  try {
    const ort = await import("onnxruntime-node");
    ort.env.logLevel = "fatal";
    return ort;
  } catch (cause) {
    throw new FusionError({
      code: "BACKEND_UNAVAILABLE",
      at: "onnxruntime-node",
      expected: `a build for ${process.platform} ${process.arch}`,
      actual: oneLine(cause),
      hint: "Install onnxruntime-node for this platform (`npm install onnxruntime-node`).",
      cause,
    });
  }
}

/** A value that the user has set, whatever it is, stays. */
export function disableTelemetry(): void {
  process.env.ORT_DISABLE_TELEMETRY ??= "1";
}

export interface SessionSettings extends CompileOptions {
  readonly device: NodeDevice;
  readonly threads: number | undefined;
  readonly weightsFolder: string | undefined;
}

/** Session options of every program; keys under `extra.session` are ONNX Runtime's `session.*` configuration. */
export async function sessionOptions(settings: SessionSettings): Promise<Ort.InferenceSession.SessionOptions> {
  const { device, threads, weightsFolder, prepack = true, planMemory = true } = settings;
  return {
    executionProviders: [device],
    graphOptimizationLevel: "all",
    logSeverityLevel,
    enableMemPattern: planMemory,
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    extra: {
      session: {
        // Masked softmax makes denormal numbers, which slow attention down four times.
        set_denormal_as_zero: "1",
        ...(!prepack && { disable_prepacking: "1" }),
        // ONNX Runtime refuses links that lead out of the folder, so the folder's own must be resolved.
        ...(weightsFolder !== undefined && {
          model_external_initializers_file_folder_path: await realpath(weightsFolder),
        }),
      },
    },
  };
}

/** What ONNX Runtime threw, as one line that keeps the node and drops source positions of its own build. */
export function ortError(code: ErrorCode, at: string, cause: unknown, hint: string): FusionError {
  const text = oneLine(cause);
  const node = /running (\w+) node\. Name:'([^']*)' Status Message: (?:\S+:\d+ \S+ )?(.*)$/.exec(text);
  return new FusionError({
    code,
    at: node ? `${at}: ${node[2]}` : at,
    message: node ? `${at}: node ${node[2]} (${node[1]}): ${node[3]}` : `${at}: ${text}`,
    hint,
    ...(node && { details: { node: node[2], op: node[1] } }),
    cause,
  });
}

function oneLine(cause: unknown): string {
  const text = (cause instanceof Error ? cause.message : String(cause)).replace(/\s+/g, " ").trim();
  return text.replace(/^\/onnxruntime_src\/.* was false\. /, "").replace(/\/onnxruntime_src\/\S+ /g, "");
}
