/** A wrong command line: exit code 2. Commands throw it for what the declared flags cannot say (two that exclude each other). */
export class UsageError extends Error {
  override readonly name = "UsageError";

  /** True also for errors made by another copy of this package. */
  static isInstance(error: unknown): error is UsageError {
    return error instanceof Error && error.name === "UsageError";
  }
}
