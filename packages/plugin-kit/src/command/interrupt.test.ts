import { EventEmitter } from "node:events";
import { afterEach, expect, test, vi } from "vitest";
import { toFailure } from "./failure.ts";
import { listenForInterrupt } from "./interrupt.ts";

/** An interrupt with its sources, which tests emit from as Node does: the signal's name is the argument. */
function listen() {
  const source = new EventEmitter();
  const stdout = new EventEmitter();
  const interrupt = listenForInterrupt({ process: source, stdout });
  return { interrupt, stdout, source, send: (signal: string) => source.emit(signal, signal) };
}

afterEach(() => {
  vi.restoreAllMocks();
});

test.each([
  ["SIGINT", "stopped by Ctrl-C", 130],
  ["SIGTERM", "stopped by a request to end (SIGTERM)", 143],
  ["SIGHUP", "stopped as its terminal was closed", 129],
])("%s aborts, and its exit code is the shell's", (signal, message, exitCode) => {
  const { interrupt, send } = listen();

  send(signal);

  expect(interrupt.signal.aborted).toBe(true);
  expect(toFailure(interrupt.signal.reason, "fusion")).toMatchObject({ code: "ABORTED", message, exitCode });
});

test("a second Ctrl-C ends the process at once", () => {
  const exit = vi.spyOn(process, "exit").mockImplementation((() => {}) as never);
  const { send } = listen();

  send("SIGINT");
  expect(exit).not.toHaveBeenCalled();

  send("SIGINT");
  expect(exit).toHaveBeenCalledWith(130);
});

test("a Ctrl-C that the command deals with does not abort it; other signals do", () => {
  const { interrupt, send } = listen();
  interrupt.intercept = () => true;

  send("SIGINT");
  expect(interrupt.signal.aborted).toBe(false);

  send("SIGTERM");
  expect(interrupt.signal.aborted).toBe(true);
});

test("a reader that goes away aborts; another failure of the output does not", () => {
  const { interrupt, stdout } = listen();

  stdout.emit("error", Object.assign(new Error("i/o"), { code: "EIO" }));
  expect([interrupt.signal.aborted, interrupt.outputClosed]).toEqual([false, false]);

  stdout.emit("error", Object.assign(new Error("pipe"), { code: "EPIPE" }));
  expect([interrupt.signal.aborted, interrupt.outputClosed]).toEqual([true, true]);
});

test("a released interrupt gives everything back", () => {
  const { interrupt, source, stdout, send } = listen();

  interrupt.release();
  send("SIGINT");

  expect(interrupt.signal.aborted).toBe(false);
  expect(source.eventNames()).toEqual([]);
  expect(stdout.listenerCount("error")).toBe(0);
});
