import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FusionError } from "../errors/index.ts";
import { float32 } from "../tensor/index.ts";
import { backendCases } from "./backend.case.ts";
import type { Backend, OnnxModel } from "./backend.ts";
import { onnxFixture, value } from "./onnx-fixture.ts";
import { workerBackend } from "./worker-backend-node.ts";

/** Inside node_modules, so that the built files find onnxruntime-node. */
const cache = fileURLToPath(new URL("../../../../node_modules/.cache/", import.meta.url));
const source = (name: string) => fileURLToPath(new URL(name, import.meta.url));

let folder: string;
beforeAll(async () => {
  await mkdir(cache, { recursive: true });
  folder = await mkdtemp(join(cache, "engine-worker-"));
  await build({
    entryPoints: [source("./engine-worker-node.ts"), source("./node-backend-node.ts")],
    outdir: folder,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    logLevel: "silent",
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const worker = (): Promise<Backend> =>
  workerBackend(pathToFileURL(join(folder, "engine-worker-node.js")), { device: "cpu", reason: "test", threads: 2 });

backendCases("cpu in a worker thread", worker);

/** A chain of matrix products that takes some tenths of a second. */
const size = 512;
const links = 60;
const slow: OnnxModel = onnxFixture({
  name: "slow",
  nodes: Array.from({ length: links }, (_, i) => ({
    op: "MatMul",
    inputs: [i === 0 ? "x" : `y${i}`, "x"],
    outputs: [i === links - 1 ? "y" : `y${i + 1}`],
  })),
  inputs: [value("x", "float32", [size, size])],
  outputs: [value("y", "float32", [size, size])],
});
const slowFeed = () => float32([size, size], new Float32Array(size * size));

describe("worker backend", () => {
  it("leaves the event loop free while it runs", async () => {
    const backend = await worker();
    const program = await backend.compile(slow);
    const x = slowFeed();
    let worst = 0;
    let last = performance.now();
    let ticks = 0;
    const start = last;

    const timer = setInterval(() => {
      const now = performance.now();
      worst = Math.max(worst, now - last);
      last = now;
      ticks++;
    }, 2);
    await program.run({ x });
    clearInterval(timer);
    const took = performance.now() - start;

    // A blocked loop ticks not once; the machine's other work may delay single ticks.
    expect(ticks).toBeGreaterThan(3);
    expect(worst).toBeLessThan(took / 2 + 50);
    await backend.dispose();
  });

  it("carries code, place, hint, details and cause of an error across threads", async () => {
    const backend = await worker();

    const error = await backend.compile({ ...slow, bytes: Uint8Array.of(8) }).then(
      () => undefined,
      (thrown: unknown) => thrown as FusionError,
    );

    expect(error).toBeInstanceOf(FusionError);
    expect(error).toMatchObject({ code: "BACKEND_FAILED", at: "slow", details: { at: "slow" } });
    expect(error!.hint).toBe("Check the graph, and that its weights files are complete.");
    expect(error!.message).toMatch(/^slow: /);
    expect((error!.cause as Error).message).not.toBe("");
    await backend.dispose();
  });

  it("rejects waiting and later calls when the thread dies", async () => {
    const file = join(folder, "dying-worker.mjs");
    // Stands for a root whose engines answer `start` and then end with code 7.
    await writeFile(
      file,
      `import { parentPort, Worker, workerData } from "node:worker_threads";
      if (workerData.role === "root") {
        parentPort.on("message", ({ engine, port, options }) => {
          const worker = new Worker(new URL(import.meta.url), { workerData: { role: "engine", port }, transferList: [port] });
          worker.on("exit", (code) => parentPort.postMessage({ engine, code }));
        });
      } else {
        workerData.port.on("message", ({ id, method }) => {
          if (method !== "start") process.exit(7);
          workerData.port.postMessage({ id, result: null });
        });
      }`,
    );
    const backend = await workerBackend(pathToFileURL(file), { device: "cpu", reason: "test" });

    const waiting = backend.compile(slow);
    await expect(waiting).rejects.toMatchObject({
      code: "BACKEND_FAILED",
      message: "engine worker: expected it to run until dispose, it ended with code 7",
      details: { exitCode: 7 },
    });
    await expect(backend.compile(slow)).rejects.toMatchObject({ code: "BACKEND_FAILED" });
    await backend.dispose();
  });

  it("tells why the thread could not even be loaded", async () => {
    const file = join(folder, "broken-worker.mjs");
    await writeFile(file, "throw new Error('no engine here');");

    await expect(workerBackend(pathToFileURL(file), { device: "cpu", reason: "test" })).rejects.toMatchObject({
      code: "BACKEND_FAILED",
      message: expect.stringContaining("no engine here"),
    });
  });
});

describe("a process with a backend", () => {
  /** Runs a script that has `nodeBackend` and `model`; resolves to what it printed and its exit code. */
  const script = async (body: string) => {
    const file = join(folder, `script-${scripts++}.mjs`);
    const model = JSON.stringify({ ...slow, bytes: [...slow.bytes] });
    await writeFile(
      file,
      `import { nodeBackend } from "./node-backend-node.js";
      const model = ${model};
      model.bytes = Uint8Array.from(model.bytes);
      const feeds = { x: { dtype: "float32", shape: [${size}, ${size}], data: new Float32Array(${size * size}) } };
      ${body}`,
    );
    const { ORT_DISABLE_TELEMETRY: _, ...env } = process.env;
    const child = spawn(process.execPath, [file], { env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    const code = await new Promise((resolve) => child.on("close", resolve));
    return { output, code };
  };
  let scripts = 0;

  it("ends when only an idle backend is left, with live programs and states", async () => {
    const { output, code } = await script(`
      const backend = await nodeBackend();
      const program = await backend.compile(model);
      await backend.allocate("float32", [4]);
      await program.run(feeds);
      console.log("idle", backend.device, process.env.ORT_DISABLE_TELEMETRY);`);

    expect(output).toBe("idle cpu 1\n");
    expect(code).toBe(0);
  });

  it("waits for a run that nobody awaits", async () => {
    const { output, code } = await script(`
      const program = await (await nodeBackend()).compile(model);
      program.run(feeds).then(({ y }) => console.log("done", y.shape.join()));`);

    expect(output).toBe(`done ${size},${size}\n`);
    expect(code).toBe(0);
  });

  it("ends after dispose", async () => {
    const { output, code } = await script(`
      const backend = await nodeBackend();
      await backend.dispose();
      console.log("disposed");`);

    expect(output).toBe("disposed\n");
    expect(code).toBe(0);
  });

  it("gets BACKEND_UNAVAILABLE with the cause, not another device, where cuda does not start", async () => {
    const { output, code } = await script(`
      const outcome = (backend) => console.log(backend.device);
      for (const worker of [true, false]) {
        await nodeBackend({ device: "cuda", worker }).then(outcome, (error) => console.log(error.code, error.message));
      }`);

    const lines = output.trim().split("\n");
    expect(code).toBe(0);
    // With a working CUDA installation both lines say cuda.
    for (const line of lines) expect(line).toMatch(/^(cuda|BACKEND_UNAVAILABLE device cuda: .+)$/);
    expect(lines).toHaveLength(2);
  });
});
