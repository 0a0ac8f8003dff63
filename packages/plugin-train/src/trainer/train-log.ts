import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { isDiskFull, writing } from "@fusion-vlm/plugin-kit";
import type { TrainEvent } from "./train-events.ts";

export const logFile = "train-log.jsonl";

/**
 * Events as lines of JSON, each on the disk before the next step begins.
 *
 * Lines that a full disk refuses wait in memory, and go before the next one: a training does not fail for its log.
 */
export class TrainLog {
  readonly #waiting: Buffer[] = [];
  #flushing: Promise<void> = Promise.resolve();
  #size = 0;

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
  ) {}

  /**
   * Opens the log of a folder, or begins it.
   *
   * @param bytes - what belongs to the training that goes on; lines behind it are of steps that will be made again
   * @throws WRITE_FAILED
   */
  static async open(folder: string, bytes = 0): Promise<TrainLog> {
    const path = join(folder, logFile);
    const handle = await writing(path, () => open(path, "a"));
    const size = Math.min(bytes, (await handle.stat()).size);
    await writing(path, () => handle.truncate(size));
    const log = new TrainLog(path, handle);
    log.#size = size;
    return log;
  }

  /** Bytes of the lines that are on the disk. */
  get bytes(): number {
    return this.#size;
  }

  /** Lines that are not on the disk. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Adds a line, now or when there is space again. Throws WRITE_FAILED for anything but a full disk. */
  async write(event: TrainEvent): Promise<void> {
    this.#waiting.push(Buffer.from(`${JSON.stringify(event)}\n`));
    try {
      await this.flush();
    } catch (error) {
      if (!isDiskFull((error as Error).cause)) throw error;
    }
  }

  /** Writes the lines that wait, in their order; none of them by half. Throws WRITE_FAILED. */
  flush(): Promise<void> {
    // One after the other: warnings come from data that are made ready while a step is told.
    const flushed = this.#flushing.then(() => this.#writeWaiting());
    this.#flushing = flushed.catch(() => undefined);
    return flushed;
  }

  async #writeWaiting(): Promise<void> {
    for (let line = this.#waiting[0]; line; line = this.#waiting[0]) {
      const bytes = line;
      try {
        await writing(this.path, () => this.handle.appendFile(bytes));
      } catch (error) {
        await this.handle.truncate(this.#size);
        throw error;
      }
      this.#size += bytes.length;
      this.#waiting.shift();
    }
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}
