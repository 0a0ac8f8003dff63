import { FusionError } from "@fusion-vlm/core";

/** Something wrong with a file of questions; `at` names the file and, where it is known, the record. */
export function dataError(at: string, expected: string, actual: string, hint: string, cause?: unknown): FusionError {
  return new FusionError({ code: "DATASET_INVALID", at, expected, actual, hint, cause });
}

/** A value of a record in a message, cut where it is long. */
export function shownJson(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
