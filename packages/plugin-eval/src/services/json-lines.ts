import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { reportError, systemReason } from "./report-error.ts";

/** A line of a file of JSON lines. */
export interface JsonLine {
  /** From 1. */
  readonly number: number;
  readonly value: unknown;
}

export interface JsonLinesOptions {
  /** What the file should be, for messages: `a training log`. */
  readonly what: string;
  readonly hint: string;
  /** Called when the last line was cut off, as by a killed process; it is left out. */
  readonly onCut?: () => void;
  readonly signal?: AbortSignal;
}

/** Bytes; lines of our own files have a few hundred. */
const longestLine = 2 ** 24;

/**
 * Reads JSON lines one after the other: one line is in memory at a time, whatever the size of the file.
 *
 * @throws RESULTS_INVALID when there is no such file, or a line is no JSON; the last one only where its line break is there
 */
export async function* jsonLines(path: string, options: JsonLinesOptions): AsyncGenerator<JsonLine> {
  const { what, hint, onCut, signal } = options;
  // Looked at before it is opened: opening a named pipe would wait for ever.
  const facts = await stat(path).catch((cause) => {
    throw reportError(path, what, systemReason(cause), hint, cause);
  });
  if (!facts.isFile()) throw reportError(path, what, facts.isDirectory() ? "a folder" : "no regular file", hint);

  let [number, rest] = [0, Buffer.alloc(0)];
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    signal?.throwIfAborted();
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      const line = Buffer.concat([rest, chunk.subarray(start, end)]).toString("utf8");
      [start, rest] = [end + 1, Buffer.alloc(0)];
      yield { number: ++number, value: parsed(line, `${path}: line ${number}`, options) };
    }
    rest = Buffer.concat([rest, chunk.subarray(start)]);
    if (rest.length > longestLine) {
      throw reportError(`${path}: line ${number + 1}`, what, `a line of more than ${longestLine} bytes`, hint);
    }
  }
  if (rest.length === 0) return;
  try {
    yield { number: number + 1, value: JSON.parse(rest.toString("utf8")) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    onCut?.();
  }
}

function parsed(line: string, at: string, { what, hint }: JsonLinesOptions): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw reportError(at, `a line of JSON in ${what}`, JSON.stringify(line.slice(0, 60)), hint, cause);
  }
}
