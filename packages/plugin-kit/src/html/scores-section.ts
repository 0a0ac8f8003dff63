import { type Markup, markup } from "./markup.ts";

/** A share of right answers, 0 to 1, with the interval that it is known to. */
export interface ScoreBar {
  readonly share: number;
  readonly interval: readonly [low: number, high: number];
}

export interface ScoreRow {
  readonly label: string;
  /** How many questions. */
  readonly total: number;
  /** One for each name of {@link ScoresSection.bars}; undefined where it was not measured. */
  readonly bars: readonly (ScoreBar | undefined)[];
  /** A row that sums the others up. */
  readonly emphasis?: boolean;
}

/** Shares of right answers as bars with intervals: kinds down, measurements (with and without the picture) beside each other. */
export interface ScoresSection {
  readonly type: "scores";
  readonly heading: string;
  /** What the bars of each row are. */
  readonly bars: readonly string[];
  readonly rows: readonly ScoreRow[];
  /** What the interval is, under the table. */
  readonly caption?: string;
}

export function scoresSection({ bars, rows, caption }: ScoresSection): Markup {
  return markup`<table class="scores">
<thead><tr><th scope="col">kind</th><th scope="col">questions</th><th scope="col"><ul class="legend">
${bars.map((name, index) => markup`<li><i class="swatch bar-${index % 6}"></i>${name}</li>`)}
</ul></th></tr></thead>
<tbody>
${rows.map((row) => scoreRow(row, bars))}
</tbody>
</table>
${caption !== undefined && markup`<p class="caption">${caption}</p>`}`;
}

function scoreRow({ label, total, bars, emphasis }: ScoreRow, names: readonly string[]): Markup {
  return markup`<tr${emphasis && markup` class="emphasis"`}><th scope="row">${label}</th><td class="count">${total}<span class="unit"> questions</span></td><td>
${names.map((name, index) => {
  const bar = bars[index];
  return bar
    ? scoreBar(name, bar, index)
    : markup`<p class="bar-line"><span class="hidden">${name}: </span>not measured</p>`;
})}
</td></tr>`;
}

function scoreBar(name: string, { share, interval: [low, high] }: ScoreBar, index: number): Markup {
  return markup`<div class="bar-line"><div class="bar" aria-hidden="true"><div class="fill bar-${index % 6}" style="width:${percent(share)}"></div><div class="whisker" style="left:${percent(low)};width:${percent(high - low)}"></div></div><span><span class="hidden">${name}: </span><b>${shown(share)} %</b> <small>${shown(low)}–${shown(high)}</small></span></div>`;
}

function shown(share: number): string {
  return (100 * share).toFixed(1);
}

function percent(share: number): string {
  return `${Math.round(Math.min(1, Math.max(0, share)) * 10_000) / 100}%`;
}
