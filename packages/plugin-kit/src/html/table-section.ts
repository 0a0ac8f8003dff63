import { type Markup, markup } from "./markup.ts";

/** Rows with a name each, and columns. */
export interface TableSection {
  readonly type: "table";
  readonly heading: string;
  readonly head: readonly string[];
  /** Columns of numbers alone stand on the right. */
  readonly rows: readonly (readonly (string | number)[])[];
  /** What to click at to see it, for a long table that few read; it is open when absent. */
  readonly folded?: string;
}

export function tableSection({ heading, head, rows, folded }: TableSection): Markup {
  const classes = head.map((_, column) => rows.every((row) => typeof row[column] === "number") && "number");
  const attribute = (column: number) => classes[column] && markup` class="number"`;
  const table = markup`<div class="wide" tabindex="0" role="region" aria-label="${heading}"><table class="listing">
<thead><tr>${head.map((name, column) => markup`<th scope="col"${attribute(column)}>${name}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([name, ...cells]) =>
      markup`<tr><th scope="row">${name}</th>${cells.map((cell, index) => markup`<td${attribute(index + 1)}>${cell}</td>`)}</tr>\n`,
  )}</tbody>
</table></div>`;
  return folded === undefined ? table : markup`<details><summary>${folded}</summary>${table}</details>`;
}
