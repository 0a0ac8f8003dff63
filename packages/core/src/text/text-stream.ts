/** Turns token ids that arrive one at a time into text. */
export interface TextStream {
  /** The text that is settled by this id; empty while a character is incomplete. */
  push(id: number): string;
  /** What is left: the replacement character when the ids end inside a character. */
  end(): string;
}

const windowLimit = 8;
const windowKeep = 4;
const replacement = "\ufffd";

/**
 * A stream whose pieces, joined, equal `decode` of all ids at once.
 *
 * Only a window of recent ids is decoded again with each new one. Two properties make that exact: a UTF-8 decoder turns
 * an unfinished character at the end into exactly one replacement character, so holding back one is enough; and UTF-8
 * synchronises itself, so a window that starts inside a character still ends in the same text. Four ids of context hold
 * any unfinished character (three bytes) and keep the rules for a text's first token away from the tokens that follow.
 *
 * @param decode - text of a non-empty list of ids
 * @param keep - false for ids that leave no text
 */
export function createTextStream(
  decode: (ids: readonly number[]) => string,
  keep: (id: number) => boolean,
): TextStream {
  let ids: number[] = [];
  let held = 0;
  let text = "";
  return {
    push(id) {
      if (!keep(id)) return "";
      const emitted = text.length - held;
      ids.push(id);
      text = decode(ids);
      held = text.endsWith(replacement) ? 1 : 0;
      const settled = text.slice(emitted, text.length - held);
      if (ids.length > windowLimit) {
        ids = ids.slice(-windowKeep);
        text = decode(ids);
      }
      return settled;
    },
    end() {
      const rest = held ? text.slice(-held) : "";
      ids = [];
      text = "";
      held = 0;
      return rest;
    },
  };
}
