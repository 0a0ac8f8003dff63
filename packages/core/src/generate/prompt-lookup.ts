export interface LookupOptions {
  /** Longest run of ids that is searched for; 3 when absent. */
  readonly longest?: number;
  /** Shortest; 2 when absent: single ids recur without meaning anything. */
  readonly shortest?: number;
  /** Most ids that are proposed; 6 when absent. */
  readonly most?: number;
}

/**
 * What may come next: the ids that followed the last ones where these occurred before (prompt lookup decoding, Saxena 2023).
 *
 * Longer runs are tried first, later occurrences before earlier ones.
 *
 * @param history - ids of the sequence so far, prompt and answer
 * @returns up to `most` ids; none where the last ids have not occurred before
 * @see https://github.com/apoorvumang/prompt-lookup-decoding
 */
export function lookUp(
  history: readonly number[],
  { longest = 3, shortest = 2, most = 6 }: LookupOptions = {},
): readonly number[] {
  for (let size = Math.min(longest, history.length - 1); size >= shortest; size--) {
    const tail = history.length - size;
    for (let start = tail - 1; start >= 0; start--) {
      if (isRun(history, start, tail, size)) return history.slice(start + size, start + size + most);
    }
  }
  return [];
}

function isRun(ids: readonly number[], a: number, b: number, size: number): boolean {
  for (let i = 0; i < size; i++) if (ids[a + i] !== ids[b + i]) return false;
  return true;
}
