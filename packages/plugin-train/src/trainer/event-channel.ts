import { join } from "node:path";
import type { EndEvent, TrainEvent } from "./train-events.ts";
import { logFile, type TrainLog } from "./train-log.ts";

/** Where the events of a training go: to its log, and to whoever listens. */
export class EventChannel {
  readonly warnings: string[] = [];
  readonly #log: TrainLog;
  /** The folder's name once it is complete. */
  readonly #out: string;
  readonly #listener: ((event: TrainEvent) => void) | undefined;

  constructor(log: TrainLog, out: string, listener?: (event: TrainEvent) => void) {
    this.#log = log;
    this.#out = out;
    this.#listener = listener;
  }

  /** Throws WRITE_FAILED, but not for a full disk: that is a warning, and the log's lines wait. */
  readonly emit = async (event: TrainEvent): Promise<void> => {
    const waited = this.#log.waiting > 0;
    await this.#log.write(event);
    this.#listener?.(event);
    if (this.#log.waiting === 0 || waited) return;
    const wait = "the disk is full: its lines wait in memory, and the training goes on";
    await this.warn(`${this.#path}: ${wait}. Free some space before the model is saved.`);
  };

  async warn(message: string): Promise<void> {
    this.warnings.push(message);
    await this.emit({ type: "warning", message });
  }

  /** Writes the log's last line; the caller tells its listener when the folder has its name. */
  async end(event: EndEvent): Promise<void> {
    await this.#log.write(event);
    const lost = this.#log.waiting;
    if (lost === 0) return;
    const lines = lost === 1 ? "its last line is missing" : `its last ${lost} lines are missing`;
    const message = `${this.#path}: the disk is full, ${lines}. The model is complete.`;
    this.warnings.push(message);
    this.#listener?.({ type: "warning", message });
  }

  get #path(): string {
    return join(this.#out, logFile);
  }
}
