import { FusionError, shownValue } from "../errors/index.ts";

/** The names of every option of `T`: the compiler refuses a list that lacks one or has one too many. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>;

/**
 * A misspelled option would otherwise be no option at all. One that is undefined is taken for absent.
 *
 * @param of - whose options they are: `ask`
 * @throws OPTION_INVALID for a name that is not known, with the nearest known one, and for what is no object
 */
export function requireKnownOptions(of: string, options: unknown, known: Readonly<Record<string, true>>): void {
  const names = Object.keys(known);
  const hint = `The options of ${of} are ${names.join(", ")}.`;
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    const actual = options === undefined ? "nothing" : shownValue(options);
    throw new FusionError({ code: "OPTION_INVALID", at: of, expected: "an object with options", actual, hint });
  }
  const unknown = Object.entries(options).find(([name, value]) => value !== undefined && !Object.hasOwn(known, name));
  if (!unknown) return;
  const near = nearest(unknown[0], names);
  const message = `${unknown[0]}: no such option${near === undefined ? "" : `; did you mean ${near}?`}`;
  throw new FusionError({ code: "OPTION_INVALID", at: unknown[0], message, hint });
}

/** The name that takes the fewest letters to change; undefined when none is like it. */
function nearest(word: string, names: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[-_]/g, "");
  const scored = names.map((name) => ({ name, cost: editDistance(plain(word), plain(name)) }));
  const best = scored.reduce((one, other) => (other.cost < one.cost ? other : one));
  return best.cost <= Math.max(1, Math.floor(best.name.length / 3)) ? best.name : undefined;
}

/** Letters to insert, remove or replace (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column++) {
      const replaced = row[column - 1]! + (letter === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[column]! + 1, next[column - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
