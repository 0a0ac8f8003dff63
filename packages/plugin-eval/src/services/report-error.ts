import { FusionError } from "@fusion-vlm/core";

/** Something wrong with what a report is made of; `at` names the file and, where it is known, the line. */
export function reportError(at: string, expected: string, actual: string, hint: string, cause?: unknown): FusionError {
  return new FusionError({ code: "RESULTS_INVALID", at, expected, actual, hint, cause });
}

/** What the system says about a path that cannot be read. */
export function systemReason(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR" ? "nothing at this path" : (code ?? message);
}
