import { FusionError } from "../errors/index.ts";

/**
 * Throws ABORTED when the signal has been aborted; `cause` is its reason.
 *
 * @param at - what was stopped: `question`, `loading`
 */
export function throwIfAborted(signal: AbortSignal | undefined, at: string): void {
  if (!signal?.aborted) return;
  throw new FusionError({
    code: "ABORTED",
    at,
    message: `${at}: stopped by its abort signal`,
    hint: "Nothing is wrong; raise the time limit if it came too early.",
    cause: signal.reason,
  });
}

/** A controller that also aborts when `signal` does, until it is unlinked: a signal may outlive thousands of questions. */
export function linkedController(signal: AbortSignal | undefined): { controller: AbortController; unlink: () => void } {
  const controller = new AbortController();
  const relay = () => controller.abort(signal?.reason);
  if (signal?.aborted) relay();
  signal?.addEventListener("abort", relay, { once: true });
  return { controller, unlink: () => signal?.removeEventListener("abort", relay) };
}
