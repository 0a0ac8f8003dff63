import { type Markup, markup } from "./markup.ts";

/** Paragraphs of plain text. */
export interface NotesSection {
  readonly type: "notes";
  readonly heading: string;
  readonly paragraphs: readonly string[];
}

export function notesSection({ paragraphs }: NotesSection): Markup {
  return markup`${paragraphs.map((text) => markup`<p>${text}</p>`)}`;
}
