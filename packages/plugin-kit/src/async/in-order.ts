/**
 * Starts work on inputs while earlier work is still under way, and yields the results in the order of the inputs.
 *
 * When one fails, what was started is waited for before the error is thrown.
 *
 * @param ahead - how many are under way at once, 1 or more
 */
export async function* inOrder<Input, Output>(
  inputs: Iterable<Input>,
  ahead: number,
  start: (input: Input) => Promise<Output>,
): AsyncGenerator<Output, void, undefined> {
  const underWay: Promise<Output>[] = [];
  try {
    for (const input of inputs) {
      const work = start(input);
      // Its failure is thrown when its turn comes; until then nobody listens, which Node takes for a mistake.
      work.catch(() => undefined);
      underWay.push(work);
      if (underWay.length >= ahead) yield await underWay.shift()!;
    }
    while (underWay.length > 0) yield await underWay.shift()!;
  } finally {
    await Promise.allSettled(underWay);
  }
}
