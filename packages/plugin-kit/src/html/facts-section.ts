import { type Markup, markup } from "./markup.ts";

/** Key facts: names and their values. */
export interface FactsSection {
  readonly type: "facts";
  readonly heading: string;
  /** Those without a value are left out. */
  readonly facts: readonly (readonly [name: string, value: string | number | undefined])[];
}

export function factsSection({ facts }: FactsSection): Markup {
  const present = facts.filter(([, value]) => value !== undefined);
  return markup`<dl class="facts">${present.map(
    ([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`,
  )}</dl>`;
}
