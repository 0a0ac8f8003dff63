import { expect, test } from "vitest";
import { Progress, type ProgressOptions } from "./progress.ts";

/** A terminal that remembers what was written, and a clock that stands until it is moved. */
function terminal(options: Partial<ProgressOptions> & { isTTY?: boolean; columns?: number } = {}) {
  const { isTTY = true, columns = 120, ...rest } = options;
  const written: string[] = [];
  const time = { now: 0 };
  const stream = { isTTY, columns, write: (text: string) => written.push(text) };
  const progress = new Progress({ label: "reading", stream, clock: () => time.now, ...rest });
  return { progress, written, time };
}

const clearLine = "\r\x1b[2K";

test("shows share, count, rate and time left", () => {
  const { progress, written, time } = terminal({ total: 400, unit: "images" });

  time.now = 10_000;
  progress.update(100);

  expect(written).toEqual([`${clearLine}reading  25%  100/400 images  10.0 images/s  0:30 left`]);
});

test("writes counts in the form that it is given", () => {
  const format = (bytes: number) => `${bytes / 1000} kB`;
  const { progress, written, time } = terminal({ total: 8000, format });

  time.now = 2000;
  progress.update(4000);

  expect(written).toEqual([`${clearLine}reading  50%  4 kB of 8 kB  2 kB/s  0:02 left`]);
});

test("shows the label alone for work that cannot be counted, and clears it", () => {
  const { progress, written } = terminal({ label: "loading \u001b[31mnano" });

  progress.begin();
  progress.finish();

  expect(written).toEqual([`${clearLine}loading [31mnano …`, clearLine]);
});

test("shows count and rate where the total is not known", () => {
  const { progress, written, time } = terminal({ unit: "tokens" });

  time.now = 2000;
  progress.update(5);

  expect(written).toEqual([`${clearLine}reading  5 tokens  2.5 tokens/s`]);
});

test("redraws at most ten times a second, and clears its line at the end", () => {
  const { progress, written, time } = terminal({ total: 10 });

  for (time.now = 0; time.now < 200; time.now += 20) progress.update(1);
  progress.finish();

  expect(written).toHaveLength(3);
  expect(written.at(-1)).toBe(clearLine);
});

test("never wraps: a long line is cut to the width of the terminal", () => {
  const { progress, written } = terminal({ label: "x".repeat(200), columns: 40 });

  progress.update(1);

  expect(written[0]!.slice(clearLine.length)).toHaveLength(39);
});

test("takes 80 columns where the terminal does not know its width", () => {
  const { progress, written } = terminal({ label: "x".repeat(200), columns: 0 });

  progress.update(1);

  expect(written[0]!.slice(clearLine.length)).toHaveLength(79);
});

test("is silent where stderr is no terminal, and where there is no stream", () => {
  const { progress, written } = terminal({ isTTY: false });
  progress.update(1);
  progress.finish();
  expect(written).toEqual([]);

  const silent = new Progress({ label: "reading" });
  silent.update(1);
  silent.finish();
});
