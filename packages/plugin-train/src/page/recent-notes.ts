/** Sentences of which the first and the latest are kept. */
export class RecentNotes {
  readonly #first: string[] = [];
  readonly #latest: string[] = [];
  #count = 0;

  /** @param half - how many of the first, and how many of the latest */
  constructor(private readonly half = 10) {}

  get count(): number {
    return this.#count;
  }

  /** In order, with a line that counts those between. */
  get kept(): string[] {
    const between = this.#count - this.#first.length - this.#latest.length;
    return [...this.#first, ...(between > 0 ? [`… and ${between} more …`] : []), ...this.#latest];
  }

  add(note: string): void {
    this.#count++;
    if (this.#first.length < this.half) {
      this.#first.push(shortened(note));
      return;
    }
    this.#latest.push(shortened(note));
    if (this.#latest.length > this.half) this.#latest.shift();
  }
}

/** Names in a note can be of any length. */
function shortened(note: string): string {
  return note.length > 1000 ? `${note.slice(0, 999)}…` : note;
}
