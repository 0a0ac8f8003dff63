import type { Timing } from "./options.ts";

type Part = Exclude<keyof Timing, "total" | "firstToken">;

/** Measures the parts of an answer one after the other, in milliseconds. */
export class Stopwatch {
  readonly #start = performance.now();
  readonly #parts: Record<Part, number> = { image: 0, vision: 0, prefill: 0, decode: 0 };
  #last = this.#start;
  #firstToken: number | undefined;

  /** Time since the last lap goes to this part. */
  lap(part: Part): void {
    const now = performance.now();
    this.#parts[part] += now - this.#last;
    this.#last = now;
  }

  /** Time since the last lap goes to no part. */
  skip(): void {
    this.#last = performance.now();
  }

  /** Notes a token; the first one counts. */
  token(): void {
    this.#firstToken ??= performance.now() - this.#start;
  }

  timing(): Timing {
    return { ...this.#parts, firstToken: this.#firstToken ?? 0, total: performance.now() - this.#start };
  }
}
