import { FusionError } from "@fusion-vlm/core";
import { exitCodeOfSignal, type StopSignal } from "./failure.ts";

/** What may stop a command from outside, as an abort signal. */
export interface Interrupt {
  /** Aborted with ABORTED by Ctrl-C and other requests to end, and when nobody reads the output any more. */
  readonly signal: AbortSignal;
  /** The reader of stdout has gone (`fusion … | head`): there is nobody to tell anything. */
  readonly outputClosed: boolean;
  /** Asked at each Ctrl-C first; true when that has dealt with it, and the command goes on. */
  intercept: (() => boolean) | undefined;
  /** Gives the signals back to Node. */
  release(): void;
}

export interface InterruptSources {
  /** Emits the signals of the process. */
  readonly process?: NodeJS.EventEmitter;
  readonly stdout?: NodeJS.EventEmitter;
}

const stopSignals: readonly StopSignal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

const messages: Record<StopSignal, string> = {
  SIGINT: "stopped by Ctrl-C",
  SIGTERM: "stopped by a request to end (SIGTERM)",
  SIGHUP: "stopped as its terminal was closed",
};

/** Listens: the first signal aborts, a second one ends the process at once. */
export function listenForInterrupt({
  process: source = process,
  stdout = process.stdout,
}: InterruptSources = {}): Interrupt {
  const controller = new AbortController();
  let outputClosed = false;
  const interrupt: Interrupt = {
    signal: controller.signal,
    get outputClosed() {
      return outputClosed;
    },
    intercept: undefined,
    release: () => {
      for (const signal of stopSignals) source.off(signal, onSignal);
      stdout.off("error", onOutputError);
    },
  };
  const onSignal = (signal: StopSignal) => {
    if (signal === "SIGINT" && interrupt.intercept?.()) return;
    if (controller.signal.aborted) endNow(signal, source);
    controller.abort(stopped(messages[signal], { signal }));
  };
  const onOutputError = ({ code }: NodeJS.ErrnoException) => {
    if (code !== "EPIPE") return;
    outputClosed = true;
    controller.abort(stopped("nobody reads its output any more", {}));
  };
  for (const signal of stopSignals) source.on(signal, onSignal);
  stdout.on("error", onOutputError);
  return interrupt;
}

/**
 * Ends the process as the signal does where nobody listens: shells report 128 and its number.
 *
 * `process.exit` would wait for threads that compute in native code, which may take minutes.
 */
function endNow(signal: StopSignal, source: NodeJS.EventEmitter): void {
  process.emit("exit", exitCodeOfSignal[signal]); // what must not stay is removed
  source.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

function stopped(message: string, details: Record<string, unknown>): FusionError {
  const hint = "Run the command again to start over.";
  return new FusionError({ code: "ABORTED", at: "command", message, hint, details });
}
