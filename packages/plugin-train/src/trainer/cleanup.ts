/** What has to be undone, gathered while it is done. */
export class Cleanup {
  readonly #steps: (() => Promise<void>)[] = [];

  /** Hands `value` on; `step` undoes it. */
  later<T>(value: T, step: (value: T) => Promise<void>): T {
    this.#steps.push(() => step(value));
    return value;
  }

  /** Runs every step, last first, also behind one that fails; then throws the first failure. */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      await step().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }
}
