/** A controller that also aborts when `signal` does, until it is unlinked: a signal may outlive thousands of questions. */
export function linkedController(signal: AbortSignal | undefined): { controller: AbortController; unlink: () => void } {
  const controller = new AbortController();
  const relay = () => controller.abort(signal?.reason);
  if (signal?.aborted) relay();
  signal?.addEventListener("abort", relay, { once: true });
  return { controller, unlink: () => signal?.removeEventListener("abort", relay) };
}
