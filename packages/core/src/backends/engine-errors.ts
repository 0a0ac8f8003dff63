import { FusionError } from "../errors/index.ts";

/** Something was used after its dispose(). */
export function disposedError(what: "backend" | "state" | `program ${string}`): FusionError {
  return new FusionError({
    code: "BACKEND_FAILED",
    at: what,
    expected: "a live one",
    actual: "one that was disposed",
    hint: "Use it before dispose(), or make a new one.",
  });
}

/** A state fed to, or written by, a program of another backend. */
export function foreignStateError(program: string): FusionError {
  return new FusionError({
    code: "OPTION_INVALID",
    at: `${program}: state`,
    expected: "a state allocated by the program's own backend",
    actual: "one of another backend",
    hint: "Allocate states with the backend that compiled the program.",
  });
}
