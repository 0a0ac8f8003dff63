/** Runs jobs one after another in the order they came; a failed job does not stop the next one. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(job: () => T | Promise<T>): Promise<T> {
    const result = this.#last.then(job);
    // Only the order is kept here: whoever called run() holds `result` and sees its error.
    this.#last = result.then(noop, noop);
    return result;
  }
}

function noop(): void {}
