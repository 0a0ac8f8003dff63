import { FusionError } from "@fusion-vlm/core";

const startAgain = "Start it again.";

/**
 * Throws ABORTED when the signal has been aborted.
 *
 * @param outcome - what became of the work so far
 */
export function throwIfAborted(signal: AbortSignal | undefined, outcome: string, hint = startAgain): void {
  if (!signal?.aborted) return;
  const { reason } = signal;
  const why = FusionError.isInstance(reason) ? reason.message : "stopped by its abort signal";
  throw new FusionError({
    code: "ABORTED",
    at: "training",
    message: `training: ${why}; ${outcome}`,
    hint,
    details: FusionError.isInstance(reason) ? reason.details : {},
    cause: FusionError.isInstance(reason) ? undefined : reason,
  });
}
