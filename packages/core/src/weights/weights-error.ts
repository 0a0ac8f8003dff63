import { FusionError } from "../errors/index.ts";

const longestShown = 200;

/** A value from an untrusted file as JSON: control characters escaped, length limited, so that it cannot spoil a terminal. */
export function describeValue(value: unknown): string {
  const json = (JSON.stringify(value) ?? "nothing").replace(
    /[\u007f-\u009f\u2028-\u202e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return json.length > longestShown ? `${json.slice(0, longestShown)}…` : json;
}

/** The first few of a list, and how many more there are. */
export function listSome(items: readonly string[], most = 5): string {
  const shown = items.slice(0, most).join(", ");
  return items.length > most ? `${shown} and ${items.length - most} more` : shown;
}

export interface InvalidWeightsOptions {
  /** The tensor that is wrong; absent when the whole file is. */
  tensor?: string;
  expected: string;
  actual: string;
  hint?: string;
  details?: Record<string, unknown>;
  cause?: unknown;
}

/** WEIGHTS_INVALID naming the file and, where there is one, the tensor. */
export function invalidWeights(
  file: string,
  { tensor, expected, actual, hint, details, cause }: InvalidWeightsOptions,
): FusionError {
  return new FusionError({
    code: "WEIGHTS_INVALID",
    at: tensor === undefined ? file : `${file}: tensor ${describeValue(tensor)}`,
    expected,
    actual,
    hint: hint ?? "Download or export the file again: it is damaged, incomplete or not a safetensors file.",
    details: { file, ...(tensor !== undefined && { tensor }), ...details },
    cause,
  });
}
