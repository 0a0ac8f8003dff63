import { writeFileAtomic } from "@fusion-vlm/plugin-kit";
import type { TrainEvent } from "../trainer/train-events.ts";
import { TrainingHistory } from "./training-history.ts";
import { trainingPage } from "./training-page.ts";

/** What the page is called beside the log. */
export const pageFile = "training.html";

export interface LivePageOptions {
  /** The file to write. Its folder exists. */
  readonly path: string;
  /** What the page is called; `Training of MODEL` when absent. */
  readonly title?: string;
  /** The log of a training that is resumed: the page begins with its steps. */
  readonly log?: string;
  /** Told once when the page cannot be written, and once when the log cannot be read; the training goes on. */
  readonly onWarning: (message: string) => void;
  /** Milliseconds between two writings at least; 5000 when absent. */
  readonly every?: number;
}

/**
 * A page that shows a training while it runs, and stays as its record.
 *
 * It is written after the first step, every few seconds from then on, and when it is closed: each time as a whole, so whoever
 * reads it never sees a part. Nothing that goes wrong with it reaches the training.
 */
export class LivePage {
  readonly #options: LivePageOptions;
  readonly #history: TrainingHistory;
  readonly #every: number;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #writtenAt = Number.NEGATIVE_INFINITY;
  #warned = false;
  #closed = false;

  private constructor(options: LivePageOptions, history: TrainingHistory) {
    this.#options = options;
    this.#history = history;
    this.#every = options.every ?? 5000;
  }

  static async open(options: LivePageOptions): Promise<LivePage> {
    return new LivePage(options, await historyOf(options));
  }

  /** Takes an event; writes in the background. After `close` it does nothing. */
  readonly onEvent = (event: TrainEvent): void => {
    if (this.#closed) return;
    this.#history.add(event);
    if (!this.#history.last || this.#timer) return;
    const wait = Math.max(0, this.#writtenAt + this.#every - performance.now());
    this.#timer = setTimeout(() => this.#write(), wait);
    // A page is no reason for a process to live on.
    this.#timer.unref();
  };

  /**
   * Writes the page a last time: of a training that is finished when its `end` was told, else of one that has stopped.
   *
   * Wait for it before the folder is renamed or removed: nothing is written later. A training without a single step has no page.
   *
   * @param reason - why it stopped, in a sentence
   */
  async close(reason?: string): Promise<void> {
    if (this.#closed) return this.#writing;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#writing = this.#writing.then(() => (this.#history.last ? this.#writePage(false, reason) : undefined));
    return this.#writing;
  }

  #write(): void {
    this.#writing = this.#writing.then(async () => {
      if (this.#closed) return;
      // What comes while this is written goes into the page after it.
      this.#timer = undefined;
      await this.#writePage(true);
    });
  }

  async #writePage(live: boolean, reason?: string): Promise<void> {
    const { path, title, onWarning } = this.#options;
    this.#writtenAt = performance.now();
    try {
      const page = trainingPage(this.#history, { live, title, reason, written: new Date() });
      // A folder that is gone was renamed or removed on purpose: it is not made again.
      await writeFileAtomic(path, page, { makeFolder: false });
    } catch (error) {
      if (!this.#warned) onWarning(`${describe(error)}; the training goes on without its page`);
      this.#warned = true;
    } finally {
      this.#writtenAt = performance.now();
    }
  }
}

async function historyOf({ log, onWarning }: LivePageOptions): Promise<TrainingHistory> {
  if (log === undefined) return new TrainingHistory();
  try {
    return await TrainingHistory.read(log);
  } catch (error) {
    onWarning(`${log}: ${describe(error)}; the page begins with the steps from now on`);
    return new TrainingHistory();
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
