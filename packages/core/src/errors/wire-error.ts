import { type ErrorCode, FusionError, internalError } from "./fusion-error.ts";

/** A FusionError as plain data: structured cloning keeps no class. */
export interface WireError {
  readonly code: ErrorCode;
  readonly at: string;
  readonly message: string;
  readonly hint: string;
  readonly details: Record<string, unknown>;
  readonly cause?: string;
}

/** An error on its way to another thread; one that is none of ours becomes INTERNAL, naming `thread`. */
export function encodeError(error: unknown, thread: string): WireError {
  const known = FusionError.isInstance(error) ? error : internalError(thread, describe(error), error);
  const { code, at, message, hint, details, cause } = known;
  return { code, at, message, hint, details, ...(cause !== undefined && { cause: describe(cause) }) };
}

/** The error as it was thrown in the other thread; its cause keeps the message alone. */
export function decodeError({ cause, ...error }: WireError): FusionError {
  return new FusionError({ ...error, ...(cause !== undefined && { cause: new Error(cause) }) });
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
