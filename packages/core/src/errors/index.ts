export { abortedError, throwIfAborted } from "./abort.ts";
export { type ErrorCode, FusionError, type FusionErrorOptions, internalError } from "./fusion-error.ts";
export { shownValue } from "./shown-value.ts";
export { decodeError, encodeError, type WireError } from "./wire-error.ts";
