/** What became of a piece of text. */
export interface Scanned {
  /** Text that certainly stands before any stop string. */
  readonly text: string;
  /** The stop string that was found; nothing may be pushed after it. */
  readonly stop?: string;
}

/**
 * Looks for stop strings in a text that comes in pieces, and holds back what may be the beginning of one.
 *
 * The string that is complete first wins, of those that end together the longest. So the text before the stop does not
 * depend on where the pieces are cut, except that a piece is searched as a whole.
 */
export class TextScanner {
  readonly #stops: readonly string[];
  #held = "";

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  push(piece: string): Scanned {
    const text = this.#held + piece;
    const found = this.#find(text);
    if (found) {
      this.#held = "";
      return { text: text.slice(0, found.start), stop: found.stop };
    }
    const held = this.#possibleStart(text);
    this.#held = text.slice(text.length - held);
    return { text: text.slice(0, text.length - held) };
  }

  /** The text has ended: what was held back is no stop string. */
  end(): string {
    const text = this.#held;
    this.#held = "";
    return text;
  }

  #find(text: string): { start: number; stop: string } | undefined {
    let best: { start: number; end: number; stop: string } | undefined;
    for (const stop of this.#stops) {
      const start = text.indexOf(stop);
      if (start < 0) continue;
      const end = start + stop.length;
      if (!best || end < best.end || (end === best.end && start < best.start)) best = { start, end, stop };
    }
    return best;
  }

  /** Length of the longest end of the text that begins a stop string. */
  #possibleStart(text: string): number {
    let longest = 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (text.endsWith(stop.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}
