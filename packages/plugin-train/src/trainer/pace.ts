import { type ScheduleName, schedules } from "@fusion-vlm/core/train";

/** What ends a training, and how much of it belongs to each of its phases. */
export interface PaceOptions {
  /** Steps of each phase by its epochs; infinite where no epochs are given. */
  readonly phaseSteps: readonly number[];
  /** Shares of the phases in `maxSteps` and `maxMinutes`; their sum is 1. */
  readonly shares: readonly number[];
  readonly maxSteps?: number;
  /** Milliseconds from the first step on, those of `elapsedBefore` included. */
  readonly maxTime?: number;
  readonly peak: number;
  readonly warmupRatio: number;
  readonly schedule: ScheduleName;
  /** Seconds that a training which goes on has taken before. */
  readonly elapsedBefore?: number;
  /** Milliseconds; for tests. */
  readonly clock?: () => number;
}

/** A schedule over time has no steps to count; it is divided this finely. */
const timeSteps = 1_000_000;

/**
 * How far a training is, from 0 to 1: the share of its steps or of its time, whichever is larger.
 *
 * The learning rate follows it, so that a training that ends by the clock has its warm-up and its whole schedule too.
 */
export class Pace {
  readonly #options: PaceOptions;
  /** Steps until the end of each phase; infinite where only time ends it. */
  readonly #stepEnds: readonly number[];
  readonly #timeEnds: readonly number[];
  readonly #rate: (progress: number) => number;
  readonly #clock: () => number;
  readonly #start: number;

  constructor(options: PaceOptions) {
    const { phaseSteps, shares, maxSteps = Number.POSITIVE_INFINITY, peak, warmupRatio } = options;
    this.#options = options;
    const byEpochs = phaseSteps.reduce((sum, steps) => sum + steps, 0);
    this.#timeEnds = cumulate(shares);
    this.#stepEnds =
      maxSteps < byEpochs ? this.#timeEnds.map((end) => Math.round(end * maxSteps)) : cumulate(phaseSteps);
    const steps = Number.isFinite(this.totalSteps) ? this.totalSteps : timeSteps;
    const schedule = schedules[options.schedule]({ peak, totalSteps: steps, warmupRatio });
    this.#rate = (progress) => schedule(progress * steps);
    this.#clock = options.clock ?? (() => performance.now());
    this.#start = this.#clock() - 1000 * (options.elapsedBefore ?? 0);
  }

  /** Infinite where only time ends the training. */
  get totalSteps(): number {
    return this.#stepEnds.at(-1)!;
  }

  /** Seconds since the first step began. */
  get elapsed(): number {
    return (this.#clock() - this.#start) / 1000;
  }

  /** After a number of steps. */
  progress(steps: number): number {
    const bySteps = Number.isFinite(this.totalSteps) ? steps / this.totalSteps : 0;
    return Math.min(1, Math.max(bySteps, this.#timeUsed()));
  }

  /** Of the step that follows `steps` others. */
  learningRate(steps: number): number {
    return this.#rate(this.progress(steps));
  }

  /** True when the phase has had its part after a number of steps of the training. */
  isOver(phase: number, steps: number): boolean {
    return steps >= this.#stepEnds[phase]! || this.#timeUsed() >= this.#timeEnds[phase]!;
  }

  /** Seconds, at the speed so far. */
  left(steps: number): number {
    const { maxTime } = this.#options;
    const progress = this.progress(steps);
    const bySpeed = progress > 0 ? (this.elapsed * (1 - progress)) / progress : Number.POSITIVE_INFINITY;
    const byClock = maxTime === undefined ? Number.POSITIVE_INFINITY : Math.max(0, maxTime / 1000 - this.elapsed);
    return Math.min(bySpeed, byClock);
  }

  #timeUsed(): number {
    const { maxTime } = this.#options;
    if (maxTime === undefined) return 0;
    return maxTime <= 0 ? 1 : (this.elapsed * 1000) / maxTime;
  }
}

function cumulate(values: readonly number[]): number[] {
  let sum = 0;
  return values.map((value) => {
    sum += value;
    return sum;
  });
}
