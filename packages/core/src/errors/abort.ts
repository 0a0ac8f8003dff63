import { FusionError } from "./fusion-error.ts";

/**
 * ABORTED; `cause` is the signal's reason.
 *
 * @param at - what was stopped: `question`, `loading`
 */
export function abortedError(signal: AbortSignal, at: string): FusionError {
  return new FusionError({
    code: "ABORTED",
    at,
    message: `${at}: stopped by its abort signal`,
    hint: "Nothing is wrong; raise the time limit if it came too early.",
    cause: signal.reason,
  });
}

/** Throws {@link abortedError} when the signal has been aborted. */
export function throwIfAborted(signal: AbortSignal | undefined, at: string): void {
  if (signal?.aborted) throw abortedError(signal, at);
}
