import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import type { TrainEvent } from "./train-events.ts";
import { writeError } from "./write-error.ts";

export const logFile = "train-log.jsonl";

/** Events as lines of JSON, each on the disk before the next step begins. */
export class TrainLog {
  private constructor(
    private readonly path: string,
    private readonly handle: FileHandle,
  ) {}

  static async create(folder: string): Promise<TrainLog> {
    const path = join(folder, logFile);
    try {
      return new TrainLog(path, await open(path, "ax"));
    } catch (cause) {
      throw writeError(path, "a log that can be written", cause);
    }
  }

  async write(event: TrainEvent): Promise<void> {
    try {
      await this.handle.appendFile(`${JSON.stringify(event)}\n`);
    } catch (cause) {
      throw writeError(this.path, "a log that can be written", cause);
    }
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}
