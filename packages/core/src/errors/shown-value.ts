/**
 * A wrong value as an error message shows it: `3`, `"3" (a string)`, `null`, `a Blob`.
 *
 * Without quotes and kind, a number that came in as text would look right.
 */
export function shownValue(value: unknown): string {
  if (typeof value === "string") return `${JSON.stringify(shortened(value))} (a string)`;
  if (Array.isArray(value)) return "a list";
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "" && name !== "Object" ? `${article(name)} ${name}` : "an object";
}

function article(name: string): string {
  return /^[aeiou]/i.test(name) && !/^ur[li]/i.test(name) ? "an" : "a";
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
