import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { listenForInterrupt } from "./interrupt.ts";

test("Ctrl-C aborts the signal with ABORTED", () => {
  const source = new EventEmitter();
  const { signal } = listenForInterrupt(source);

  source.emit("SIGINT");

  expect(signal.aborted).toBe(true);
  expect(signal.reason).toMatchObject({ code: "ABORTED" });
});

test("a released interrupt gives Ctrl-C back", () => {
  const source = new EventEmitter();
  const { signal, release } = listenForInterrupt(source);

  release();
  source.emit("SIGINT");

  expect(signal.aborted).toBe(false);
  expect(source.listenerCount("SIGINT")).toBe(0);
});
