import { createHash } from "node:crypto";

/** Ids of a data file that occur more than once. */
export interface DuplicateIdCount {
  /** Samples whose id an earlier sample has. */
  readonly count: number;
  /** The first few ids that occur again. */
  readonly first: readonly string[];
}

const mostNamed = 5;
const longestName = 80;

/**
 * Counts ids that occur again, in the memory of one number for each.
 *
 * Of an id 53 bits of its SHA-1 are kept: among a million ids, two that differ are taken for one in 1 of 18 000 files.
 */
export class DuplicateIds {
  readonly #seen = new Set<number>();
  readonly #first = new Set<string>();
  #count = 0;

  add(id: string): void {
    const hash = Number(createHash("sha1").update(id).digest().readBigUInt64BE() >> 11n);
    if (!this.#seen.has(hash)) {
      this.#seen.add(hash);
      return;
    }
    this.#count += 1;
    if (this.#first.size < mostNamed) {
      this.#first.add(id.length > longestName ? `${id.slice(0, longestName)}…` : id);
    }
  }

  get found(): DuplicateIdCount {
    return { count: this.#count, first: [...this.#first] };
  }
}
