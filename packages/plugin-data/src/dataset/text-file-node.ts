import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { writing } from "@fusion-vlm/plugin-kit";

const bufferedCharacters = 1 << 16;

/** A text file written piece by piece; of a long one, no more than a buffer is in memory. */
export class TextFile {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #hash = createHash("sha256");
  #buffer = "";
  #bytes = 0;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  static async create(path: string): Promise<TextFile> {
    return new TextFile(path, await writing(path, () => open(path, "wx")));
  }

  async write(text: string): Promise<void> {
    this.#buffer += text;
    if (this.#buffer.length >= bufferedCharacters) await this.#flush();
  }

  /** Writes the rest; returns size and hash of the whole file. */
  async end(): Promise<{ bytes: number; sha256: string }> {
    await this.#flush();
    await this.close();
    return { bytes: this.#bytes, sha256: this.#hash.digest("hex") };
  }

  /** Lets go of the file, whatever has been written. */
  async close(): Promise<void> {
    await writing(this.#path, () => this.#file.close());
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.from(this.#buffer);
    this.#buffer = "";
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
    await writing(this.#path, () => this.#file.writeFile(bytes));
  }
}

/** A JSON array as a file, one element a line. */
export class JsonArrayFile {
  readonly #file: TextFile;
  #length = 0;

  private constructor(file: TextFile) {
    this.#file = file;
  }

  static async create(path: string): Promise<JsonArrayFile> {
    return new JsonArrayFile(await TextFile.create(path));
  }

  get length(): number {
    return this.#length;
  }

  async push(element: object): Promise<void> {
    await this.#file.write(`${this.#length++ === 0 ? "[\n" : ",\n"}${JSON.stringify(element)}`);
  }

  async end(): Promise<{ bytes: number; sha256: string }> {
    await this.#file.write(this.#length === 0 ? "[]\n" : "\n]\n");
    return this.#file.end();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
