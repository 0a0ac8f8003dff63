import { createHash } from "node:crypto";
import { type FileHandle, open, stat } from "node:fs/promises";
import { datasetError } from "./dataset-error.ts";
import { type RecordSpan, scanRecords } from "./record-scanner.ts";

/** Which record it is, and where its bytes lie. */
export type RecordPlace = Pick<RecordSpan, "record" | "offset" | "length">;

/** Places of many records, three numbers for each. */
export class RecordPlaces {
  readonly #numbers: number[] = [];

  add({ record, offset, length }: RecordPlace): void {
    this.#numbers.push(record, offset, length);
  }

  /** @param index - from 0, of those that were added */
  at(index: number): RecordPlace {
    const [record, offset, length] = this.#numbers.slice(3 * index, 3 * index + 3);
    return { record: record!, offset: offset!, length: length! };
  }
}

/** A data file that is open: gone through from end to end once, then read record by record where they lie. */
export class DataFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #hash = createHash("sha256");
  #bytes = 0;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /**
   * @param givenBy - the key of a mixing file that names it; the command line when absent
   * @throws when it is not there, or is no file
   */
  static async open(path: string, givenBy?: string): Promise<DataFile> {
    const failed = await requireFile(path, "a data file: LLaVA-style JSON or JSON lines", givenBy);
    return new DataFile(path, await open(path, "r").catch(failed));
  }

  /** All records in order, once; throws as `scanRecords`. */
  records(): AsyncGenerator<RecordSpan> {
    return scanRecords(this.path, this.#chunks());
  }

  /** Size and SHA-256 (hex) of what `records` has gone through: the file, once it has ended. To be asked once. */
  contents(): { readonly bytes: number; readonly sha256: string } {
    return { bytes: this.#bytes, sha256: this.#hash.digest("hex") };
  }

  /**
   * @param at - file and record, for messages
   * @throws when the file does not reach as far any more
   */
  async read({ offset, length }: Pick<RecordPlace, "offset" | "length">, at: string): Promise<Buffer> {
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await this.#handle.read(bytes, 0, length, offset);
    if (bytesRead === length) return bytes;
    throw datasetError({
      at,
      expected: `${length} bytes`,
      actual: `${bytesRead}`,
      hint: "Leave data files as they are while a training runs.",
    });
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  async *#chunks(): AsyncGenerator<Buffer> {
    const chunks: AsyncIterable<Buffer> = this.#handle.createReadStream({
      start: 0,
      autoClose: false,
      highWaterMark: 1 << 16,
    });
    for await (const chunk of chunks) {
      this.#hash.update(chunk);
      this.#bytes += chunk.length;
      yield chunk;
    }
  }
}

/**
 * Makes sure that a file can be opened: opening a named pipe would wait for ever.
 *
 * @returns what turns a failure to open it into an error
 */
export async function requireFile(path: string, expected: string, givenBy?: string) {
  const refused = (actual: string, cause?: unknown) =>
    datasetError({
      at: [...(givenBy === undefined ? [] : [givenBy]), path === "" ? '""' : path].join(": "),
      expected,
      actual,
      hint:
        givenBy === undefined
          ? "Check the path given by --data."
          : "Check the path: it is relative to the mixing file, or absolute.",
      cause,
    });
  const failed = (cause: NodeJS.ErrnoException): never => {
    throw refused(cause.code === "ENOENT" ? "nothing at this path" : String(cause.code ?? cause), cause);
  };
  const facts = await stat(path).catch(failed);
  if (!facts.isFile()) throw refused(facts.isDirectory() ? "a folder" : "a device, pipe or socket");
  return failed;
}
