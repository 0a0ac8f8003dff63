/** A distinct word of a corpus: its symbols, and how often it occurs. */
export interface Word {
  ids: number[];
  readonly count: number;
}

export interface Pair {
  readonly left: number;
  readonly right: number;
}

interface Entry {
  readonly count: number;
  readonly key: number;
}

/**
 * How often each pair of neighbouring symbols occurs, kept up to date while pairs are merged.
 *
 * A merge touches only the words that hold the pair. The heap may hold outdated entries; they are corrected when they
 * come to the top, which is sound because a merge only lowers the counts of pairs without the merged symbol.
 */
export class PairCounts {
  readonly #words: readonly Word[];
  readonly #stride: number;
  readonly #counts = new Map<number, number>();
  readonly #places = new Map<number, Set<number>>();
  readonly #heap: Entry[] = [];

  /** @param symbolLimit - larger than every symbol that will occur */
  constructor(words: readonly Word[], symbolLimit: number) {
    this.#words = words;
    this.#stride = symbolLimit;
    for (const index of words.keys()) this.#addWord(index, 1);
    for (const [key, count] of this.#counts) this.#push({ count, key });
  }

  /** Takes out the most frequent pair; the lower left and then right symbol among equals. Undefined below `minimum`. */
  popBest(minimum: number): Pair | undefined {
    for (let top = this.#pop(); top && top.count >= minimum; top = this.#pop()) {
      const count = this.#counts.get(top.key) ?? 0;
      if (count === top.count) return { left: Math.floor(top.key / this.#stride), right: top.key % this.#stride };
      if (count > 0) this.#push({ count, key: top.key });
    }
    return undefined;
  }

  /** Replaces every occurrence of the pair, from the left, by `symbol`. */
  merge({ left, right }: Pair, symbol: number): void {
    const places = this.#places.get(left * this.#stride + right) ?? new Set();
    const touched = new Set<number>();
    for (const index of [...places]) {
      const word = this.#words[index] as Word;
      this.#addWord(index, -1);
      word.ids = mergeIds(word.ids, left, right, symbol);
      this.#addWord(index, 1);
      for (let i = 0; i + 1 < word.ids.length; i++) {
        if (word.ids[i] === symbol || word.ids[i + 1] === symbol) touched.add(this.#key(word.ids, i));
      }
    }
    for (const key of touched) this.#push({ count: this.#counts.get(key) ?? 0, key });
  }

  #key(ids: readonly number[], i: number): number {
    return (ids[i] as number) * this.#stride + (ids[i + 1] as number);
  }

  #addWord(index: number, sign: 1 | -1): void {
    const { ids, count } = this.#words[index] as Word;
    for (let i = 0; i + 1 < ids.length; i++) {
      const key = this.#key(ids, i);
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + sign * count);
      let places = this.#places.get(key);
      if (!places) {
        places = new Set();
        this.#places.set(key, places);
      }
      if (sign > 0) places.add(index);
      else places.delete(index);
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let i = heap.push(entry) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(entry, heap[parent] as Entry)) break;
      heap[i] = heap[parent] as Entry;
      i = parent;
    }
    heap[i] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (!last || heap.length === 0) return top;
    let i = 0;
    for (let child = 1; child < heap.length; child = 2 * i + 1) {
      const sibling = child + 1;
      if (sibling < heap.length && isBefore(heap[sibling] as Entry, heap[child] as Entry)) child = sibling;
      if (!isBefore(heap[child] as Entry, last)) break;
      heap[i] = heap[child] as Entry;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.count > b.count || (a.count === b.count && a.key < b.key);
}

function mergeIds(ids: readonly number[], left: number, right: number, symbol: number): number[] {
  const merged: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] === left && ids[i + 1] === right) {
      merged.push(symbol);
      i++;
    } else {
      merged.push(ids[i] as number);
    }
  }
  return merged;
}
