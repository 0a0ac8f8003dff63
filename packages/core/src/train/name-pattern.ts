/**
 * A pattern on checkpoint names: `*` stands for any run of characters, dots included, everything else for itself; the
 * whole name must match. `model.layers.*.mlp.*` is every matrix of every MLP of the language model.
 */
export type NamePattern = string;

/** True for names that at least one of the patterns matches. */
export function nameMatcher(patterns: NamePattern | readonly NamePattern[]): (name: string) => boolean {
  const expressions = [patterns].flat().map((pattern) => new RegExp(`^${pattern.split("*").map(literal).join(".*")}$`));
  return (name) => expressions.some((expression) => expression.test(name));
}

/** Up to three names that begin most like the pattern: what its author may have meant. */
export function namesLike(pattern: NamePattern, names: Iterable<string>): string[] {
  const shared = (name: string) => {
    let length = 0;
    while (length < pattern.length && pattern[length] === name[length]) length++;
    return length;
  };
  return [...names].sort((a, b) => shared(b) - shared(a)).slice(0, 3);
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
