import { FusionError } from "@fusion-vlm/core";
import { exitCodes } from "./failure.ts";

/** A signal that Ctrl-C aborts. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** Gives Ctrl-C back to Node. */
  release(): void;
}

/** Listens for Ctrl-C: the first one aborts the signal with ABORTED, the second ends the process. */
export function listenForInterrupt(source: NodeJS.EventEmitter = process): Interrupt {
  const controller = new AbortController();
  const onInterrupt = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort(
      new FusionError({
        code: "ABORTED",
        at: "command",
        message: "stopped by Ctrl-C",
        hint: "Run the command again to start over.",
      }),
    );
  };
  source.on("SIGINT", onInterrupt);
  return { signal: controller.signal, release: () => source.off("SIGINT", onInterrupt) };
}
