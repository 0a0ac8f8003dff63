/**
 * Control characters (C0 without tab and newline, DEL, C1) and the marks that reorder text on a screen.
 *
 * Without ESC and CSI nothing is left that a terminal obeys: what follows them in an escape sequence is shown as letters.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const unprintable = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** Text that others wrote (a model, a file), as a terminal may show it: control characters are dropped, tabs and newlines stay. */
export function printable(text: string): string {
  return text.replace(unprintable, "");
}

/** {@link printable} on one line: line breaks and tabs become spaces. */
export function printableLine(text: string): string {
  return printable(text.replace(/\r?\n|\t/g, " "));
}
