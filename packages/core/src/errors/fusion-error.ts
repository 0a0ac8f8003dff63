const marker = Symbol.for("@fusion-vlm/error");

/** The stable machine-readable names of what can go wrong; documented in docs/errors.md. */
export type ErrorCode =
  | "SHAPE_MISMATCH"
  | "DTYPE_MISMATCH"
  | "GRAPH_INVALID"
  | "UNSUPPORTED_OP"
  | "WEIGHTS_INVALID"
  | "WEIGHTS_MISMATCH"
  | "CONFIG_INVALID"
  | "MODEL_NOT_FOUND"
  | "TOKENIZER_INVALID"
  | "IMAGE_INVALID"
  | "IMAGE_NOT_FOUND"
  | "IMAGE_TOO_LARGE"
  | "PROMPT_INVALID"
  | "CONTEXT_EXCEEDED"
  | "OPTION_INVALID"
  | "BACKEND_FAILED"
  | "BACKEND_UNAVAILABLE"
  | "DATASET_INVALID"
  | "TRAINING_DIVERGED"
  | "RESUME_REFUSED"
  | "MEMORY_INSUFFICIENT"
  | "RESULTS_INVALID"
  | "REFERENCE_INVALID"
  | "WRITE_FAILED"
  | "ABORTED"
  | "INTERNAL";

export interface FusionErrorOptions {
  code: ErrorCode;
  /** Where it happened: a file, a parameter, a node path, an option. */
  at: string;
  /** What should have been there. */
  expected?: string;
  /** What was there. */
  actual?: string;
  /** One imperative sentence: what the reader can do about it. */
  hint: string;
  /** Replaces the sentence made of `at`, `expected` and `actual`. */
  message?: string;
  details?: Record<string, unknown>;
  cause?: unknown;
}

/**
 * The one error class that the SDK throws on purpose; anything else that escapes is a bug of ours.
 *
 * `message` reads `where: expected X, got Y`; `hint` says what to do; `details` is safe to serialise.
 */
export class FusionError extends Error {
  override readonly name = "FusionError";
  readonly code: ErrorCode;
  readonly at: string;
  readonly hint: string;
  readonly details: Record<string, unknown>;

  constructor({ code, at, expected, actual, hint, message, details, cause }: FusionErrorOptions) {
    const parts = [expected && `expected ${expected}`, actual && `got ${actual}`].filter(Boolean).join(", ");
    super(message ?? `${at}: ${parts}`, { cause });
    this.code = code;
    this.at = at;
    this.hint = hint;
    this.details = { at, ...(expected && { expected }), ...(actual && { actual }), ...details };
    Object.defineProperty(this, marker, { value: true });
  }

  /** True also for errors made by another copy of this package. */
  static isInstance(error: unknown): error is FusionError {
    return typeof error === "object" && error !== null && marker in error;
  }
}

/** A broken promise of our own code: never the user's fault. */
export function internalError(at: string, message: string, cause?: unknown): FusionError {
  return new FusionError({
    code: "INTERNAL",
    at,
    message: `internal: ${at}: ${message}`,
    hint: "Please report this with the command you ran.",
    cause,
  });
}
