import { FusionError } from "../errors/index.ts";

const hint = "Check that the folder is complete and belongs to this model; docs/reference-folder.md describes it.";

/** REFERENCE_INVALID: a reference folder lacks something, or does not fit the model. */
export function referenceError(at: string, expected: string, actual: string, cause?: unknown): FusionError {
  return new FusionError({ code: "REFERENCE_INVALID", at, expected, actual, hint, cause });
}
