/**
 * What to say about a command that does not exist.
 *
 * @param typed - words of the command line, as oclif joins them: `init:nano`
 * @param ids - ids of the commands there are: `model:init`
 */
export function unknownCommand(typed: string, ids: readonly string[], bin: string): string {
  const words = typed.split(":");
  const isTopic = (length: number) => ids.some((id) => id.startsWith(`${words.slice(0, length).join(":")}:`));
  let length = 1;
  // What follows the first word that leads nowhere are its arguments.
  while (length < words.length && isTopic(length)) length++;
  const wrong = words.slice(0, length).join(":");
  const likeliest = nearest(wrong, ids);
  const question = likeliest === undefined ? "" : `; did you mean "${bin} ${spaced(likeliest)}"?`;
  return `command "${spaced(wrong)}" not found${question}`;
}

/** The id, or the last word of one, that is a typing mistake away. */
function nearest(wrong: string, ids: readonly string[]): string | undefined {
  const far = Math.floor(wrong.length / 3) + 1;
  let best: { id: string; distance: number } | undefined;
  for (const id of ids) {
    const distance = Math.min(editDistance(wrong, id), editDistance(wrong, id.slice(id.lastIndexOf(":") + 1)));
    if (distance < far && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { id, distance };
  }
  return best?.id;
}

/** Characters to insert, delete or replace to make one text of the other (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let line = 1; line <= a.length; line++) {
    const next = [line];
    for (let column = 1; column <= b.length; column++) {
      const replaced = row[column - 1]! + (a[line - 1] === b[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[column]! + 1, next[column - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

function spaced(id: string): string {
  return id.replaceAll(":", " ");
}
