import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { probeModel } from "./probe-model.ts";

/** Whether an engine starts on this machine. */
export interface EngineProbe {
  readonly device: "cpu" | "webgpu" | "cuda";
  readonly available: boolean;
  /** Why it does not start, in the engine's own words. */
  readonly reason?: string;
}

export interface EngineReport {
  /** Version of onnxruntime-node; absent when it cannot be loaded. */
  readonly version?: string;
  readonly engines: readonly EngineProbe[];
}

const probedDevices = ["cpu", "webgpu", "cuda"] as const;
const timeoutMs = 30_000;

/**
 * Starts every engine that onnxruntime-node has, on a graph of one node.
 *
 * Each in a process of its own: drivers that are half installed write to stderr or end the process.
 */
export async function probeEngines(): Promise<EngineReport> {
  const outcomes = await Promise.all(probedDevices.map(probe));
  const version = outcomes.find((outcome) => outcome.version)?.version;
  return {
    ...(version && { version }),
    engines: probedDevices.map((device, index) => {
      const { reason } = outcomes[index]!;
      return { device, available: reason === undefined, ...(reason !== undefined && { reason }) };
    }),
  };
}

interface Outcome {
  version?: string;
  reason?: string;
}

/** Runs in the child; prints one line of JSON. */
const childProgram = `
  const [runtime, device, model] = process.argv.slice(1);
  const outcome = {};
  const start = async () => {
    const ort = require(runtime);
    outcome.version = ort.env.versions.node;
    const session = await ort.InferenceSession.create(Buffer.from(model, "base64"), { executionProviders: [device], logSeverityLevel: 4 });
    const { y } = await session.run({ x: new ort.Tensor("float32", [2], [1]) });
    if (y.data[0] !== -2) outcome.reason = "computes wrong results: -(2) gave " + y.data[0];
  };
  start().catch((error) => { outcome.reason = error.message; }).finally(() => {
    require("fs").writeSync(1, JSON.stringify(outcome));
    process.exit(0);
  });
`;

function probe(device: string): Promise<Outcome> {
  let runtime: string;
  try {
    runtime = createRequire(import.meta.url).resolve("onnxruntime-node");
  } catch (error) {
    return Promise.resolve({ reason: (error as Error).message.split("\n")[0]! });
  }
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      ["-e", childProgram, runtime, device, Buffer.from(probeModel.bytes).toString("base64")],
      {
        env: { ...process.env, ORT_DISABLE_TELEMETRY: "1" },
        stdio: ["ignore", "pipe", "ignore"],
        timeout: timeoutMs,
      },
    );
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.on("error", (error) => resolve({ reason: error.message }));
    child.on("close", (code, signal) => {
      if (!output) return resolve({ reason: `the process ended (${signal ?? `exit code ${code}`})` });
      const outcome = JSON.parse(output) as Outcome;
      resolve(outcome.reason === undefined ? outcome : { ...outcome, reason: withoutSourceLocation(outcome.reason) });
    });
  });
}

/** The engine's message without the C++ function that raised it. */
function withoutSourceLocation(reason: string): string {
  const firstLine = reason.trim().split("\n")[0]!;
  return firstLine.startsWith("/") ? firstLine.replace(/^.* (?:was false|FAIL)\b[ .:]*/, "") : firstLine;
}
