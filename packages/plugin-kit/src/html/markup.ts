import { printable } from "../output/printable.ts";

/** Text that is HTML already. Made by {@link markup} alone, so that nothing else reaches a page unescaped. */
export class Markup {
  constructor(readonly text: string) {}

  toString(): string {
    return this.text;
  }
}

/** What may stand in `${…}` of {@link markup}; undefined and false stand for nothing. */
export type MarkupValue = string | number | Markup | undefined | false | readonly MarkupValue[];

/**
 * HTML with values in it: ``markup`<p>${answer}</p>` ``.
 *
 * Every value is escaped, for text and for quoted attributes alike, unless it is {@link Markup} itself.
 */
export function markup(strings: TemplateStringsArray, ...values: readonly MarkupValue[]): Markup {
  return new Markup(strings.reduce((text, part, index) => text + render(values[index - 1]) + part));
}

/** Text as it may stand between tags and in quoted attributes; control characters and marks that reorder text are dropped. */
export function escapeHtml(text: string): string {
  return printable(text).replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function render(value: MarkupValue): string {
  if (value === undefined || value === false) return "";
  if (value instanceof Markup) return value.text;
  if (typeof value === "object") return value.map(render).join("");
  return escapeHtml(String(value));
}
