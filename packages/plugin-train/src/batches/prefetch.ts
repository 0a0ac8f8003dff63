/**
 * Makes values ahead of their use: while one is worked with, the next `depth - 1` are under way.
 *
 * Stopping early, by `return` or by an error, waits for what is under way.
 */
export async function* prefetch<Input, Output>(
  inputs: Iterable<Input>,
  make: (input: Input) => Promise<Output>,
  depth: number,
): AsyncGenerator<Output> {
  const queue: Promise<Output>[] = [];
  const iterator = inputs[Symbol.iterator]();
  try {
    for (;;) {
      while (queue.length < depth) {
        const next = iterator.next();
        if (next.done) break;
        const output = make(next.value);
        output.catch(() => undefined); // told where it is awaited
        queue.push(output);
      }
      const first = queue.shift();
      if (!first) return;
      yield await first;
    }
  } finally {
    await Promise.allSettled(queue);
  }
}
