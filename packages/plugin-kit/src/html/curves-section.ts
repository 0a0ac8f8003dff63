import { type Chart, chartFigure } from "./chart.ts";
import { type Markup, markup } from "./markup.ts";

/** One chart. */
export interface CurvesSection extends Chart {
  readonly type: "curves";
  readonly heading: string;
  /** What the lines are when absent. */
  readonly caption?: string;
}

export function curvesSection(section: CurvesSection): Markup {
  return chartFigure(section, { name: `section "${section.heading}"`, caption: section.caption });
}

/** Small charts beside each other: what differs in kind or size is read better apart than in one drawing. */
export interface ChartsSection {
  readonly type: "charts";
  readonly heading: string;
  readonly charts: readonly (Chart & { readonly title: string })[];
  /** Below all of them, in place of a caption for each. */
  readonly caption?: string;
}

export function chartsSection({ heading, charts, caption }: ChartsSection): Markup {
  return markup`<div class="charts">
${charts.map((chart) => chartFigure(chart, { name: `section "${heading}", chart "${chart.title}"`, title: chart.title, caption: "" }))}
</div>
${caption !== undefined && markup`<p class="caption">${caption}</p>`}`;
}
