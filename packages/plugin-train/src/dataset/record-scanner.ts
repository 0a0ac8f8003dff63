import { datasetError, type RecordUnit, recordName } from "./dataset-error.ts";

/** One record of a data file: which one it is, counted from 1, and where its bytes lie. */
export interface RecordSpan {
  readonly record: number;
  readonly unit: RecordUnit;
  readonly offset: number;
  readonly length: number;
  readonly bytes: Buffer;
}

/** A record beyond this is a damaged file: an unclosed quote swallows everything behind it. */
const largestRecord = 64 * 1024 * 1024;

const byte = {
  quote: 0x22,
  comma: 0x2c,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  openBrace: 0x7b,
  closeBrace: 0x7d,
  newline: 0x0a,
} as const;

/**
 * Finds the records of a JSON array, or of JSON lines, in a stream of bytes: the file is never in memory as a whole.
 *
 * A file that begins with `[` is an array of objects, one that begins with `{` has an object on each line. Only the outer
 * structure is checked here; what is inside a record is for `JSON.parse`.
 *
 * @throws when the file is empty, begins with something else, ends inside a record, or has anything between records
 */
export async function* scanRecords(file: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<RecordSpan> {
  let scanner: Scanner | undefined;
  let offset = 0;
  let line = 1;
  for await (const chunk of chunks) {
    let begin = 0;
    for (; begin < chunk.length && !scanner; begin++) {
      const value = chunk[begin]!;
      if (value === byte.newline) line += 1;
      if (isSpace(value) || isByteOrderMark(value, offset + begin)) continue;
      scanner = scannerFor(file, value, line, chunk[begin + 1]);
      break;
    }
    if (scanner) yield* scanner.read(chunk.subarray(begin), offset + begin);
    offset += chunk.length;
  }
  if (!scanner) throw datasetError({ at: file, expected: "records", actual: "an empty file", hint: emptyHint });
  yield* scanner.end(offset);
}

const emptyHint = "Give a LLaVA-style JSON array, or JSON lines: see docs/training.md.";

interface Scanner {
  read(chunk: Buffer, offset: number): Iterable<RecordSpan>;
  end(offset: number): Iterable<RecordSpan>;
}

function scannerFor(file: string, first: number, line: number, second: number | undefined): Scanner {
  const isUtf16 = first === 0 || second === 0 || (first >= 0xfe && (second ?? 0) >= 0xfe);
  if (first === byte.openBracket && !isUtf16) return new ArrayScanner(file);
  if (first === byte.openBrace && !isUtf16) return new LineScanner(file, line);
  throw datasetError({
    at: file,
    expected: "a JSON array or JSON lines: [ or { as its first character",
    actual: isUtf16 ? "UTF-16 text" : describe(first),
    hint: isUtf16 ? "Save the file as UTF-8." : emptyHint,
  });
}

/** Bytes of the record under way, which may have begun in an earlier chunk. */
class Pending {
  offset = 0;
  #pieces: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Copies: the stream may use its chunk again. */
  add(piece: Buffer): void {
    this.#pieces.push(Buffer.from(piece));
    this.#length += piece.length;
  }

  take(): Buffer {
    const bytes = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#length = 0;
    return bytes;
  }
}

class ArrayScanner implements Scanner {
  readonly #file: string;
  readonly #pending = new Pending();
  #state: "start" | "first-or-end" | "record" | "inside" | "comma-or-end" | "done" = "start";
  #depth = 0;
  #inString = false;
  #escaped = false;
  #records = 0;

  constructor(file: string) {
    this.#file = file;
  }

  *read(chunk: Buffer, offset: number): Iterable<RecordSpan> {
    let begin = 0;
    for (let i = 0; i < chunk.length; i++) {
      const value = chunk[i]!;
      if (this.#state === "inside") {
        if (!this.#closes(value)) continue;
        this.#pending.add(chunk.subarray(begin, i + 1));
        const bytes = this.#pending.take();
        yield { record: this.#records, unit: "record", offset: this.#pending.offset, length: bytes.length, bytes };
        this.#state = "comma-or-end";
      } else if (!isSpace(value) && this.#begins(value)) {
        begin = i;
        this.#pending.offset = offset + i;
      }
    }
    if (this.#state !== "inside") return;
    this.#pending.add(chunk.subarray(begin));
    if (this.#pending.length > largestRecord) throw this.#unclosed(`${largestRecord} bytes without its end`);
  }

  end(): Iterable<RecordSpan> {
    if (this.#state === "inside") throw this.#unclosed("the end of the file inside it");
    if (this.#state !== "done") throw this.#broken(this.#records, "the ] that closes the array", "the end of the file");
    return [];
  }

  /** True where `value` ends the record. */
  #closes(value: number): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (value === byte.backslash) this.#escaped = true;
      else if (value === byte.quote) this.#inString = false;
      return false;
    }
    if (value === byte.quote) this.#inString = true;
    else if (value === byte.openBrace || value === byte.openBracket) this.#depth += 1;
    else if (value === byte.closeBrace || value === byte.closeBracket) this.#depth -= 1;
    return this.#depth === 0;
  }

  /** True where `value`, which stands between records, begins one. */
  #begins(value: number): boolean {
    switch (this.#state) {
      case "start":
        this.#state = "first-or-end";
        return false;
      case "first-or-end":
        if (value !== byte.closeBracket) return this.#begin(value);
        this.#state = "done";
        return false;
      case "comma-or-end":
        if (value === byte.comma) this.#state = "record";
        else if (value === byte.closeBracket) this.#state = "done";
        else throw this.#broken(this.#records, "a comma or ] behind it", describe(value));
        return false;
      case "record":
        if (value !== byte.closeBracket) return this.#begin(value);
        throw this.#broken(this.#records, "another record behind the comma that follows it", describe(value));
      default:
        throw this.#broken(this.#records, "nothing behind the ] that closes the array", describe(value));
    }
  }

  #begin(value: number): true {
    this.#records += 1;
    if (value !== byte.openBrace) throw this.#broken(this.#records, "an object", describe(value));
    this.#state = "inside";
    this.#depth = 1;
    return true;
  }

  #unclosed(actual: string) {
    const expected = `its closing } (it begins at byte ${this.#pending.offset})`;
    return this.#broken(this.#records, expected, actual);
  }

  #broken(record: number, expected: string, actual: string) {
    return datasetError({
      at: recordName(this.#file, record, "record"),
      expected,
      actual,
      hint: "Repair the JSON there, or write the file again.",
    });
  }
}

class LineScanner implements Scanner {
  readonly #file: string;
  readonly #pending = new Pending();
  #line: number;

  constructor(file: string, line: number) {
    this.#file = file;
    this.#line = line;
  }

  *read(chunk: Buffer, offset: number): Iterable<RecordSpan> {
    let begin = 0;
    for (let end = chunk.indexOf(byte.newline); end !== -1; end = chunk.indexOf(byte.newline, begin)) {
      yield* this.#finish(chunk.subarray(begin, end), offset + begin);
      this.#line += 1;
      begin = end + 1;
    }
    this.#add(chunk.subarray(begin), offset + begin);
  }

  *end(offset: number): Iterable<RecordSpan> {
    yield* this.#finish(Buffer.alloc(0), offset);
  }

  *#finish(rest: Buffer, offset: number): Iterable<RecordSpan> {
    this.#add(rest, offset);
    const bytes = this.#pending.take();
    if (bytes.every(isSpace)) return;
    yield { record: this.#line, unit: "line", offset: this.#pending.offset, length: bytes.length, bytes };
  }

  #add(piece: Buffer, offset: number): void {
    if (this.#pending.length === 0) this.#pending.offset = offset;
    this.#pending.add(piece);
    if (this.#pending.length <= largestRecord) return;
    throw datasetError({
      at: recordName(this.#file, this.#line, "line"),
      expected: `a line of at most ${largestRecord} bytes`,
      actual: "a longer one",
      hint: "Write one record to a line.",
    });
  }
}

function isSpace(value: number): boolean {
  return value === 0x20 || (value >= 0x09 && value <= 0x0d);
}

/** UTF-8's EF BB BF, which some editors put in front. */
function isByteOrderMark(value: number, offset: number): boolean {
  return offset < 3 && (value === 0xef || value === 0xbb || value === 0xbf);
}

function describe(value: number): string {
  const isPrintable = value > 0x20 && value < 0x7f;
  return isPrintable ? `"${String.fromCharCode(value)}"` : `byte 0x${value.toString(16).padStart(2, "0")}`;
}
