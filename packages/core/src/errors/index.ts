export { type ErrorCode, FusionError, type FusionErrorOptions, internalError } from "./fusion-error.ts";
