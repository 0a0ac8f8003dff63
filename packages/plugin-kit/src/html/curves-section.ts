import { FusionError } from "@fusion-vlm/core";
import { type Axis, type AxisScale, axisFor, tickLabel } from "./axis.ts";
import { type Point, smoothed, thinned } from "./curve.ts";
import { type Markup, markup } from "./markup.ts";

/** A line of a chart. */
export interface Series {
  readonly label: string;
  /** In the order of x. Points that are no finite number leave a gap. */
  readonly points: readonly Point[];
}

/** Curves over one x axis, each as it is and smoothed. */
export interface CurvesSection {
  readonly type: "curves";
  readonly heading: string;
  /** At least one series with at least one point. */
  readonly series: readonly Series[];
  readonly xLabel: string;
  readonly yLabel: string;
  /** `linear` when absent. */
  readonly yScale?: AxisScale;
  /** Points around that the smoothed curve is the median of; a fiftieth of the longest series when absent, 1 for none. */
  readonly smoothing?: number;
  /** Where something begins: a line across the chart with a name. */
  readonly marks?: readonly { readonly x: number; readonly label: string }[];
}

/** Side of the drawing's own coordinates; the page stretches it. */
const side = 1000;

export function curvesSection(section: CurvesSection): Markup {
  const { heading, series, xLabel, yLabel, yScale = "linear", marks = [] } = section;
  const longest = Math.max(0, ...series.map(({ points }) => points.length));
  if (longest === 0) throw nothingToDraw(heading);
  const span = section.smoothing ?? Math.max(1, Math.round(longest / 50));
  const smooth = series.map(({ points }) => smoothed(points, span));
  const x = axisFor(
    (function* () {
      for (const { points } of series) for (const point of points) yield point[0];
    })(),
    "linear",
  );
  // One wild step must not press all others flat: the axis holds the smoothed curves, and of the raw ones what is common.
  const y = axisFor(
    (function* () {
      for (const points of smooth) for (const point of points) yield point[1];
      for (const { points } of series) yield* commonRange(points);
    })(),
    yScale,
  );
  const scale = yScale === "log" ? ", logarithmic" : "";
  return markup`<figure class="chart">
<p class="axis-name">${yLabel}${scale}</p>
<div class="plot">
<svg role="img" viewBox="0 0 ${side} ${side}" preserveAspectRatio="none" aria-label="${describe(section)}">
${y.ticks.map(({ position }) => markup`<path class="grid" d="M0 ${at(1 - position)}H${side}"/>`)}
${marks.map((mark) => markup`<path class="mark" d="M${at(x.position(mark.x))} 0V${side}"/>`)}
${series.map(({ points }, index) => span > 1 && curve(points, x, y, index, "raw"))}
${smooth.map((points, index) => curve(points, x, y, index, "smooth"))}
</svg>
${y.ticks.map(({ position, label }) => markup`<span class="tick y" style="bottom:${percent(position)}">${label}</span>`)}
${x.ticks.map(({ position, label }) => markup`<span class="tick x" style="left:${percent(position)}">${label}</span>`)}
${marks.map((mark) => markup`<span class="mark-name" style="left:${percent(x.position(mark.x))}">${mark.label}</span>`)}
</div>
<p class="axis-name below">${xLabel}</p>
<ul class="legend">
${series.map(({ label }, index) => legendEntry(label, smooth[index]!, index))}
</ul>
${span > 1 && markup`<figcaption>Strong lines are medians of ${span} points around, faint ones the points themselves.</figcaption>`}
${numbersTable(series, smooth, xLabel)}
</figure>`;
}

function curve(points: readonly Point[], x: Axis, y: Axis, index: number, kind: "raw" | "smooth"): Markup {
  let path = "";
  let inGap = true;
  for (const point of thinned(points)) {
    const [left, up] = [x.position(point[0]), y.position(point[1])];
    // Clipped where a raw curve leaves the frame, with room for the eye to see that it does; h0 shows a point that stands alone.
    const place = `${at(left)} ${at(1 - Math.min(1.2, Math.max(-0.2, up)))}`;
    if (Number.isFinite(up)) path += inGap ? `M${place}h0` : `L${place}`;
    inGap = !Number.isFinite(up);
  }
  return markup`<path class="curve ${kind} series-${index % 6}" d="${path}"/>`;
}

function legendEntry(label: string, points: readonly Point[], index: number): Markup {
  const end = points.at(-1)?.[1];
  return markup`<li><svg class="swatch" viewBox="0 0 32 8" aria-hidden="true"><path class="curve smooth series-${index % 6}" d="M1 4H31"/></svg>${label}${end !== undefined && markup` <b>${number(end)}</b>`}</li>`;
}

/** The same curves in numbers, for who cannot see them: eleven places from the first x to the last. */
function numbersTable(series: readonly Series[], smooth: readonly Point[][], xLabel: string): Markup {
  const xs = series.flatMap(({ points }) => (points.length > 0 ? [points[0]![0], points.at(-1)![0]] : []));
  const [first, last] = [Math.min(...xs), Math.max(...xs)];
  const places = [
    ...new Set(Array.from({ length: 11 }, (_, index) => Math.round(first + ((last - first) * index) / 10))),
  ];
  return markup`<details><summary>The curves in numbers</summary><div class="wide"><table>
<thead><tr><th scope="col">${xLabel}</th>${series.map(({ label }) => markup`<th scope="col">${label}</th>`)}</tr></thead>
<tbody>${places.map(
    (place) =>
      markup`<tr><th scope="row">${place}</th>${smooth.map((points) => markup`<td>${valueAt(points, place)}</td>`)}</tr>`,
  )}</tbody></table></div></details>`;
}

/** The last value up to x; a dash where the series has not begun or has ended. */
function valueAt(points: readonly Point[], x: number): string {
  const end = points.at(-1);
  const point = points.findLast((one) => one[0] <= x + 0.5);
  return point && end && x <= end[0] + 0.5 ? number(point[1]) : "–";
}

function describe({ series, xLabel, yLabel }: CurvesSection): string {
  const sentences = series.flatMap(({ label, points }) => {
    const [first, last] = [points[0], points.at(-1)];
    if (!first || !last) return [];
    return [
      `${label} from ${number(first[1])} at ${tickLabel(first[0])} to ${number(last[1])} at ${tickLabel(last[0])}`,
    ];
  });
  return `${yLabel} over ${xLabel}: ${sentences.join("; ")}.`;
}

/** The range of all but the most extreme hundredth on each side. */
function commonRange(points: readonly Point[]): number[] {
  const values = points
    .map(([, value]) => value)
    .filter(Number.isFinite)
    .sort((one, other) => one - other);
  if (values.length === 0) return [];
  const rest = Math.floor(values.length / 100);
  return [values[rest]!, values[values.length - 1 - rest]!];
}

function number(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : "not a number";
}

function at(share: number): string {
  return String(Math.round(share * side * 10) / 10);
}

function percent(share: number): string {
  return `${Math.round(share * 10_000) / 100}%`;
}

function nothingToDraw(heading: string): FusionError {
  return new FusionError({
    code: "OPTION_INVALID",
    at: `section "${heading}"`,
    expected: "at least one series with a point",
    actual: "none",
    hint: "Leave the section out when there is nothing to draw.",
  });
}
