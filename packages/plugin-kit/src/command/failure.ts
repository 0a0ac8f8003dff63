import { type ErrorCode, FusionError } from "@fusion-vlm/core";
import { printable } from "../output/printable.ts";
import { UsageError } from "./usage-error.ts";

/** Codes that commands add to those of the SDK: a wrong command line, and an error a plugin raised by `this.error()`. */
export type FailureCode = ErrorCode | "USAGE" | "COMMAND_FAILED";

/** How a command fails: the `error` of the JSON document, and the exit code. */
export interface Failure {
  code: FailureCode;
  message: string;
  /** One imperative sentence: what the user can do. */
  hint: string;
  details: Record<string, unknown>;
  exitCode: number;
}

/** Process exit codes; documented in docs/errors.md. */
export const exitCodes = {
  /** The user can fix it: a file, a value, a model. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** A bug of ours (EX_SOFTWARE of sysexits.h). */
  bug: 70,
  /** The terminal was closed (128 + SIGHUP). */
  hungUp: 129,
  /** Interrupted by Ctrl-C (128 + SIGINT). */
  interrupted: 130,
  /** Asked to end by another program (128 + SIGTERM). */
  terminated: 143,
} as const;

/** Signals that stop a command. */
export type StopSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** Exit code of a command that a signal stopped. */
export const exitCodeOfSignal: Readonly<Record<StopSignal, number>> = {
  SIGINT: exitCodes.interrupted,
  SIGTERM: exitCodes.terminated,
  SIGHUP: exitCodes.hungUp,
};

const rerunHint = "Run the command again with DEBUG=fusion* in front and report what it prints.";

/**
 * What to tell the user about anything that was thrown.
 *
 * @param command - what the user typed to run it (`fusion ask`), for the hint to look at its help
 */
export function toFailure(error: unknown, command: string): Failure {
  if (FusionError.isInstance(error)) return fromFusionError(error);
  if (UsageError.isInstance(error)) return usage(error.message, command);
  if (isOclifError(error)) return fromOclifError(error, command);
  if (error instanceof Error && error.name === "AbortError") {
    return {
      code: "ABORTED",
      message: "the command was stopped",
      hint: "Run it again.",
      details: {},
      exitCode: exitCodes.interrupted,
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: "INTERNAL", message: `internal: ${message}`, hint: rerunHint, details: {}, exitCode: exitCodes.bug };
}

/** The `--json` document of a failure. */
export function failureDocument({ code, message, hint, details }: Failure): { error: Omit<Failure, "exitCode"> } {
  return { error: { code, message, hint, details } };
}

/** What stands on stderr: three lines, and the stack when asked for. Names of files in it cannot steer the terminal. */
export function renderFailure({ code, message, hint }: Failure, stack?: string): string {
  return printable(
    [`Error: ${message}`, `Code: ${code}`, `Try this: ${hint}`, ...(stack ? ["", stack] : [])].join("\n"),
  );
}

/** True when DEBUG asks for our stacks (`fusion*`, `*`, `fusion:ask`). */
export function wantsStack(debug: string | undefined): boolean {
  return (debug ?? "").split(/[\s,]+/).some((name) => name === "*" || name.startsWith("fusion"));
}

/** The stack with those of all causes. */
export function fullStack(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  return error.cause === undefined ? own : `${own}\nCaused by: ${fullStack(error.cause)}`;
}

function fromFusionError(error: FusionError): Failure {
  const { code, message, hint, details } = error;
  if (code === "INTERNAL") return { code, message, hint: rerunHint, details, exitCode: exitCodes.bug };
  if (code !== "ABORTED") return { code, message, hint, details, exitCode: exitCodes.failed };
  // Why it was stopped says more than where.
  if (FusionError.isInstance(error.cause)) return fromFusionError(error.cause);
  const exitCode = exitCodeOfSignal[details.signal as StopSignal] ?? exitCodes.interrupted;
  return { code, message, hint, details, exitCode };
}

function usage(message: string, command: string): Failure {
  const hint = `Run "${command} --help" to see what it takes.`;
  return { code: "USAGE", message, hint, details: {}, exitCode: exitCodes.usage };
}

/** What `this.error()` of a command throws, and oclif itself. */
interface OclifError extends Error {
  oclif: { exit?: number | false };
  suggestions?: string[];
}

function isOclifError(error: unknown): error is OclifError {
  return error instanceof Error && typeof (error as Partial<OclifError>).oclif === "object";
}

function fromOclifError({ message, suggestions, oclif }: OclifError, command: string): Failure {
  if (/^command .* not found$/.test(message)) return usage(message, command);
  // What plugin-plugins says when npm finds no such package.
  if (/does not exist in the registry/.test(message)) {
    const hint = "Check the package's name.";
    return { code: "COMMAND_FAILED", message, hint, details: {}, exitCode: exitCodes.failed };
  }
  const hint = suggestions?.[0] ?? `Run "${command} --help" to see what it takes.`;
  return { code: "COMMAND_FAILED", message, hint, details: {}, exitCode: oclif.exit || exitCodes.failed };
}
