import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { toFailure } from "./failure.ts";
import { listenForInterrupt } from "./interrupt.ts";

/** An interrupt with its sources, which tests emit from as Node does: the signal's name is the argument. */
function listen() {
  const source = new EventEmitter();
  const stdout = new EventEmitter();
  const interrupt = listenForInterrupt({ process: source, stdout });
  return { interrupt, stdout, source, send: (signal: string) => source.emit(signal, signal) };
}

afterEach(() => {
  vi.restoreAllMocks();
});

test.each([
  ["SIGINT", "stopped by Ctrl-C", 130],
  ["SIGTERM", "stopped by a request to end (SIGTERM)", 143],
  ["SIGHUP", "stopped as its terminal was closed", 129],
])("%s aborts, and its exit code is the shell's", (signal, message, exitCode) => {
  const { interrupt, send } = listen();

  send(signal);

  expect(interrupt.signal.aborted).toBe(true);
  expect(toFailure(interrupt.signal.reason, "fusion")).toMatchObject({ code: "ABORTED", message, exitCode });
});

test.skipIf(process.platform === "win32")(
  "a second Ctrl-C ends the process at once, though a thread computes, and after it has cleaned up",
  async () => {
    const cache = fileURLToPath(new URL("../../../../node_modules/.cache/", import.meta.url));
    await mkdir(cache, { recursive: true });
    const folder = await mkdtemp(join(cache, "interrupt-"));
    const program = join(folder, "program.mjs");
    await build({
      stdin: {
        contents: `
          import { Worker } from "node:worker_threads";
          import { listenForInterrupt } from "./interrupt.ts";
          process.on("exit", () => process.stdout.write("cleaned up"));
          listenForInterrupt().signal.addEventListener("abort", () => console.log("aborted"));
          const work = "require('node:crypto').pbkdf2Sync('a', 'b', 2 ** 31 - 1, 64, 'sha512')";
          new Worker(work, { eval: true });
          setInterval(() => console.log("busy"), 300); // by then the thread is`,
        resolveDir: fileURLToPath(new URL(".", import.meta.url)),
      },
      ...{ outfile: program, bundle: true, format: "esm", platform: "node", packages: "external", logLevel: "silent" },
    });
    const child = spawn(process.execPath, [program]);
    onTestFinished(() => void child.kill("SIGKILL"));
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk;
      if (output === "busy\n") child.kill("SIGINT");
      if (output.endsWith("aborted\n")) child.kill("SIGINT");
    });
    const [, signal] = await once(child, "close");
    await rm(folder, { recursive: true });

    expect([signal, output]).toEqual(["SIGINT", expect.stringMatching(/^busy\naborted\n(busy\n)?cleaned up$/)]);
  },
);

test("a Ctrl-C that the command deals with does not abort it; other signals do", () => {
  const { interrupt, send } = listen();
  interrupt.intercept = () => true;

  send("SIGINT");
  expect(interrupt.signal.aborted).toBe(false);

  send("SIGTERM");
  expect(interrupt.signal.aborted).toBe(true);
});

test("a reader that goes away aborts; another failure of the output does not", () => {
  const { interrupt, stdout } = listen();

  stdout.emit("error", Object.assign(new Error("i/o"), { code: "EIO" }));
  expect([interrupt.signal.aborted, interrupt.outputClosed]).toEqual([false, false]);

  stdout.emit("error", Object.assign(new Error("pipe"), { code: "EPIPE" }));
  expect([interrupt.signal.aborted, interrupt.outputClosed]).toEqual([true, true]);
});

test("a released interrupt gives everything back", () => {
  const { interrupt, source, stdout, send } = listen();

  interrupt.release();
  send("SIGINT");

  expect(interrupt.signal.aborted).toBe(false);
  expect(source.eventNames()).toEqual([]);
  expect(stdout.listenerCount("error")).toBe(0);
});
