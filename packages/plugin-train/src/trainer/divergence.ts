import type { GradientResult } from "@fusion-vlm/core/train";

/** Steps whose losses a new one is held against. */
const window = 50;
/** A loss below this many nats is no spike, whatever it was before. */
const harmless = 1;
/** Batches that may be left out one behind the other. */
export const mostSkippedInARow = 10;

/** Tells a loss or a gradient that would spoil the model from the others. */
export class DivergenceGuard {
  readonly #factor: number;
  #recent: number[];

  /** @param factor - times the largest of the last losses; 0 never tells a spike */
  constructor(factor: number, recent: readonly number[] = []) {
    this.#factor = factor;
    this.#recent = [...recent];
  }

  /** Losses that count, the oldest first. */
  get recent(): readonly number[] {
    return this.#recent;
  }

  /** Begins anew: what comes is not to be held against what was. */
  forget(): void {
    this.#recent = [];
  }

  /** Why a batch must not be learned from; undefined for one that may, which counts from now on. */
  check({ loss, answer, visionToText, textToVision, gradientNorm }: GradientResult): string | undefined {
    const numbers = { loss, answer, visionToText, textToVision, "gradient norm": gradientNorm };
    const wrong = Object.entries(numbers).find(([, value]) => !Number.isFinite(value));
    if (wrong) return `${wrong[0]} is ${wrong[1]}`;
    const limit = this.#factor * Math.max(...this.#recent);
    if (this.#factor > 0 && this.#recent.length === window && loss > Math.max(limit, harmless)) {
      return `loss ${loss.toFixed(3)} is more than ${this.#factor} times the largest of the last ${window}`;
    }
    this.#recent = [...this.#recent, loss].slice(-window);
    return undefined;
  }
}
