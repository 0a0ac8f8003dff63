import { printableLine } from "./printable.ts";
import { formatDuration } from "./text.ts";

/** Where progress is written: a terminal, as process.stderr is one. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  /** What is going on: `loading weights`. */
  readonly label: string;
  /** How many there are in all; without it there is no percentage and no time left. */
  readonly total?: number;
  /** What is counted: `tokens`. */
  readonly unit?: string;
  /** Writes counts and the rate; as they are, with the unit, when absent. */
  readonly format?: (count: number) => string;
  /** Absent or no terminal: nothing is written. */
  readonly stream?: ProgressStream;
  /** Milliseconds; for tests. */
  readonly clock?: () => number;
}

const redrawEveryMs = 100;
/** A rate measured over less would be noise. */
const minimumSeconds = 0.5;
const clearLine = "\r\x1b[2K";

/** One line that is redrawn in place: `reading  42%  420/1000 images  12.3 images/s  0:48 left`. */
export class Progress {
  readonly #options: ProgressOptions;
  readonly #clock: () => number;
  readonly #start: number;
  #drawnAt = Number.NEGATIVE_INFINITY;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
    this.#start = this.#clock();
  }

  /** Tells how many are done; redraws at most ten times a second. */
  update(done: number): void {
    const { stream } = this.#options;
    const now = this.#clock();
    if (!stream?.isTTY || now - this.#drawnAt < redrawEveryMs) return;
    this.#drawnAt = now;
    // A line that wraps could not be cleared again.
    stream.write(clearLine + printableLine(this.#line(done, now)).slice(0, (stream.columns || 80) - 1));
  }

  /** Shows the label alone, for work that cannot be counted. */
  begin(): void {
    const { stream, label } = this.#options;
    if (!stream?.isTTY) return;
    this.#drawnAt = this.#clock();
    stream.write(clearLine + printableLine(`${label} …`).slice(0, (stream.columns || 80) - 1));
  }

  /** Removes the line, so that the next output starts clean. */
  finish(): void {
    const { stream } = this.#options;
    if (stream?.isTTY && Number.isFinite(this.#drawnAt)) stream.write(clearLine);
  }

  #line(done: number, now: number): string {
    const { label, total, unit = "", format } = this.#options;
    const seconds = (now - this.#start) / 1000;
    const rate = seconds > minimumSeconds ? done / seconds : 0;
    const [count, ratePerSecond] = format
      ? [total ? `${format(done)} of ${format(total)}` : format(done), `${format(rate)}/s`]
      : [`${done}${total ? `/${total}` : ""} ${unit}`.trimEnd(), `${rate.toFixed(1)} ${unit}/s`.replace(" /s", "/s")];
    const parts = [label];
    if (total) parts.push(`${Math.floor((100 * done) / total)}%`);
    parts.push(count);
    if (rate > 0) parts.push(ratePerSecond);
    if (rate > 0 && total) parts.push(`${formatDuration(Math.max(0, total - done) / rate)} left`);
    return parts.join("  ");
  }
}
