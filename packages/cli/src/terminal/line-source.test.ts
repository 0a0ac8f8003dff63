import { PassThrough } from "node:stream";
import { expect, test, vi } from "vitest";
import { pipedLines, promptedLines } from "./line-source.ts";

/** A prompt with a keyboard to type on and a screen to read. */
function prompt() {
  const input = new PassThrough();
  const output = new PassThrough();
  const onInterrupt = vi.fn();
  const lines = promptedLines({ input, output, prompt: "> ", onInterrupt });
  const screen = () => String(output.read() ?? "");
  return { lines, screen, onInterrupt, type: (keys: string) => input.write(keys), input };
}

const arrowUp = "\u001b[A";

test("a pipe gives its lines one by one, then undefined", async () => {
  const input = new PassThrough();
  const lines = pipedLines(input);
  input.end("one\r\ntwo\nthree");

  expect([await lines.next(), await lines.next(), await lines.next(), await lines.next()]).toEqual([
    "one",
    "two",
    "three",
    undefined,
  ]);
});

test("a pipe loses no line while the one before is being answered", async () => {
  const input = new PassThrough();
  const lines = pipedLines(input);
  input.write("one\ntwo\nthree\n");

  const first = await lines.next();
  await new Promise((resolve) => setTimeout(resolve, 20));
  input.end();

  expect([first, await lines.next(), await lines.next(), await lines.next()]).toEqual([
    "one",
    "two",
    "three",
    undefined,
  ]);
});

test("closing ends whoever waits for a line", async () => {
  const piped = pipedLines(new PassThrough());
  const { lines: typed } = prompt();
  const waiting = [piped.next(), typed.next()];

  piped.close();
  typed.close();

  expect(await Promise.all(waiting)).toEqual([undefined, undefined]);
  expect(await typed.next()).toBeUndefined();
});

test("a typed line comes after its prompt, and can be called back with the arrow key", async () => {
  const { lines, screen, type } = prompt();

  const first = lines.next();
  type("What?\r");
  expect(await first).toBe("What?");
  expect(screen()).toContain("> ");

  const second = lines.next();
  type(`${arrowUp}\r`);
  expect(await second).toBe("What?");
});

test("Ctrl-D ends the input", async () => {
  const { lines, type } = prompt();

  const line = lines.next();
  type("\u0004");

  expect(await line).toBeUndefined();
});

test("Ctrl-C is told, and clears what was typed", async () => {
  const { lines, type, onInterrupt } = prompt();

  const line = lines.next();
  type("wrong\u0003right\r");

  expect(await line).toBe("right");
  expect(onInterrupt).toHaveBeenCalledTimes(1);
});
