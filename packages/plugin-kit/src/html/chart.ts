import { FusionError } from "@fusion-vlm/core";
import { type Axis, type AxisScale, axisFor, tickLabel } from "./axis.ts";
import { type Point, smoothed, thinned } from "./curve.ts";
import { markNames, type NamedMark } from "./mark-names.ts";
import { type Markup, markup } from "./markup.ts";

/** A line of a chart. */
export interface Series {
  readonly label: string;
  /** In the order of x. Points that are no finite number leave a gap. */
  readonly points: readonly Point[];
  /** A point with a ring around it, told in the legend: `best 0.31 at 1200`. */
  readonly highlight?: { readonly point: Point; readonly label: string };
}

/** Things that happened at places on the x axis. */
export interface Pins {
  readonly label: string;
  /** `dot`: a round dot above the axis; `tick`: a line that rises from it. */
  readonly shape: "dot" | "tick";
  readonly xs: readonly number[];
}

/** Curves over one x axis, each as it is and smoothed. */
export interface Chart {
  /** At least one series with at least one point. */
  readonly series: readonly Series[];
  readonly xLabel: string;
  readonly yLabel: string;
  /** `linear` when absent. */
  readonly yScale?: AxisScale;
  /** Whether x counts something: no tick stands between whole numbers then. */
  readonly wholeX?: boolean;
  /** What the x axis reaches from and to at least: charts beside each other are then read together. */
  readonly xRange?: Point;
  /** Points around that the smoothed curve is the median of; a fiftieth of the longest series when absent, 1 for none. */
  readonly smoothing?: number;
  /** Whether faint lines show what was smoothed; true when absent. */
  readonly raw?: boolean;
  /** A dot at each point, for few points with much between them; a point that is alone has one anyhow. */
  readonly dots?: boolean;
  /** Where something begins: a line across the chart with a name. */
  readonly marks?: readonly NamedMark[];
  readonly pins?: readonly Pins[];
}

export interface ChartFrame {
  /** What messages call it. */
  readonly name: string;
  /** Above the drawing, for a chart among others. */
  readonly title?: string;
  /** Below it. What the lines are when absent, "" for nothing. */
  readonly caption?: string;
}

/** Side of the drawing's own coordinates; the page stretches it. */
const side = 1000;

/** More dots than this are a band that hides its line. */
const mostDots = 120;

export function chartFigure(chart: Chart, { name, title, caption }: ChartFrame): Markup {
  const { series, xLabel, yLabel, yScale = "linear", marks = [], pins = [], dots = false } = chart;
  const span = spanOf(chart);
  if (span === 0) throw nothingToDraw(name);
  const raw = span > 1 && (chart.raw ?? true);
  const smooth = series.map(({ points }) => smoothed(points, span));
  const x = axisFor(
    (function* () {
      if (chart.xRange) yield* chart.xRange;
      for (const { points } of series) for (const point of points) yield point[0];
    })(),
    "linear",
    { whole: chart.wholeX },
  );
  // One wild step must not press all others flat: the axis holds the smoothed curves, and of the raw ones what is common.
  const shown = pins.filter(({ xs }) => xs.length > 0);
  const values = axisFor(
    (function* () {
      for (const points of smooth) for (const point of points) yield point[1];
      for (const { points } of raw ? series : []) yield* commonRange(points);
    })(),
    yScale,
  );
  // Dots at the frame would lie on its names, and pins on a curve.
  const y = withRoom(values, shown.length > 0 ? 0.09 : dots ? 0.07 : 0, dots ? 0.07 : 0);
  const scale = yScale === "log" ? ", logarithmic" : "";
  const names = markNames(marks.map((mark) => ({ x: x.position(mark.x), label: mark.label })));
  return markup`<figure class="chart">
${title !== undefined && markup`<h3>${title}</h3>`}
<p class="axis-name">${yLabel}${scale}</p>
<div class="plot"${names.lanes > 0 && markup` style="margin-top:${0.25 + 1.2 * names.lanes}rem"`}>
<svg role="img" viewBox="0 0 ${side} ${side}" preserveAspectRatio="none" aria-label="${describe(chart)}">
${y.ticks.map(({ position }) => markup`<path class="grid" d="M0 ${at(1 - position)}H${side}"/>`)}
${marks.map((mark) => markup`<path class="mark" d="M${at(x.position(mark.x))} 0V${side}"/>`)}
${series.map(({ points }, index) => raw && curve(points, x, y, index, "raw"))}
${smooth.map((points, index) => curve(points, x, y, index, "smooth"))}
</svg>
<svg class="over" viewBox="0 0 ${side} ${side}" preserveAspectRatio="none" aria-hidden="true">
${series.map(({ points }, index) => (dots ? points.length <= mostDots : points.length === 1) && spots(points, x, y, `dots series-${index % 6}`))}
${series.map(({ highlight }, index) => highlight && ring(highlight.point, x, y, index))}
${shown.map(({ shape, xs }) => pinPath(xs, x, shape))}
</svg>
${y.ticks.map(({ position, label }) => markup`<span class="tick y" style="bottom:${percent(position)}">${label}</span>`)}
${x.ticks.map(({ position, label }) => markup`<span class="tick x" style="left:${percent(position)}">${label}</span>`)}
${names.markup}
</div>
<p class="axis-name below">${xLabel}</p>
<ul class="legend">
${series.map((one, index) => legendEntry(one, smooth[index]!, index))}
${shown.map(({ label, shape }) => markup`<li>${pinSwatch(shape)}${label}</li>`)}
</ul>
${figureCaption(caption ?? lineCaption(span, raw))}
${numbersTable(series, smooth, xLabel)}
</figure>`;
}

/** The axis with shares of its length left free at both ends. */
function withRoom({ position, ticks }: Axis, low: number, high: number): Axis {
  const inside = (share: number) => low + (1 - low - high) * share;
  return {
    position: (value) => inside(position(value)),
    ticks: ticks.map((tick) => ({ ...tick, position: inside(tick.position) })),
  };
}

/** Points around that the smoothed curve is the median of; 0 where there is nothing to draw. */
function spanOf({ series, smoothing }: Chart): number {
  const longest = Math.max(0, ...series.map(({ points }) => points.length));
  return longest === 0 ? 0 : (smoothing ?? Math.max(1, Math.round(longest / 50)));
}

function lineCaption(span: number, raw: boolean): string {
  if (span === 1) return "";
  return raw
    ? `Strong lines are medians of ${span} points around, faint ones the points themselves.`
    : `Lines are medians of ${span} points around.`;
}

function figureCaption(caption: string): Markup | undefined {
  return caption === "" ? undefined : markup`<figcaption>${caption}</figcaption>`;
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

/** Round marks of one size: lines of no length with round ends, which the stretched drawing leaves round. */
function spots(points: readonly Point[], x: Axis, y: Axis, classes: string): Markup {
  const path = points
    .map((point) => [x.position(point[0]), y.position(point[1])] as const)
    .filter(([, up]) => Number.isFinite(up))
    .map(([left, up]) => `M${at(left)} ${at(1 - up)}h0`);
  return markup`<path class="${classes}" d="${path.join("")}"/>`;
}

function ring(point: Point, x: Axis, y: Axis, index: number): Markup {
  return markup`${spots([point], x, y, `ring series-${index % 6}`)}${spots([point], x, y, "ring-hole")}${spots([point], x, y, `dots series-${index % 6}`)}`;
}

function pinPath(xs: readonly number[], axis: Axis, shape: Pins["shape"]): Markup {
  const form = shape === "dot" ? "975h0" : `${side}V955`;
  const path = xs.map((x) => axis.position(x)).filter((left) => left >= 0 && left <= 1);
  return markup`<path class="pin ${shape}" d="${path.map((left) => `M${at(left)} ${form}`).join("")}"/>`;
}

function pinSwatch(shape: Pins["shape"]): Markup {
  const form = shape === "dot" ? "M8 4h0" : "M8 0V8";
  return markup`<svg class="swatch pin-swatch" viewBox="0 0 16 8" aria-hidden="true"><path class="pin ${shape}" d="${form}"/></svg>`;
}

function legendEntry({ label, highlight }: Series, points: readonly Point[], index: number): Markup {
  const end = points.at(-1)?.[1];
  const best =
    highlight &&
    markup` <span class="highlight">◎ ${highlight.label} <b>${number(highlight.point[1])}</b> at ${highlight.point[0]}</span>`;
  return markup`<li><svg class="swatch" viewBox="0 0 32 8" aria-hidden="true"><path class="curve smooth series-${index % 6}" d="M1 4H31"/></svg>${label}${end !== undefined && markup` <b>${number(end)}</b>`}${best}</li>`;
}

/** The same curves in numbers, for who cannot see them: eleven places from the first x to the last. */
function numbersTable(series: readonly Series[], smooth: readonly Point[][], xLabel: string): Markup {
  const xs = series.flatMap(({ points }) => (points.length > 0 ? [points[0]![0], points.at(-1)![0]] : []));
  const [first, last] = [Math.min(...xs), Math.max(...xs)];
  const places = [
    ...new Set(Array.from({ length: 11 }, (_, index) => Math.round(first + ((last - first) * index) / 10))),
  ];
  return markup`<details><summary>The curves in numbers</summary><div class="wide" tabindex="0"><table>
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

function describe({ series, xLabel, yLabel, pins = [] }: Chart): string {
  const sentences = series.flatMap(({ label, points, highlight }) => {
    const [first, last] = [points[0], points.at(-1)];
    if (!first || !last) return [];
    const course = `${label} from ${number(first[1])} at ${tickLabel(first[0])} to ${number(last[1])} at ${tickLabel(last[0])}`;
    const best = highlight && `${highlight.label} ${number(highlight.point[1])} at ${highlight.point[0]}`;
    return [best ? `${course}, ${best}` : course];
  });
  const counts = pins.filter(({ xs }) => xs.length > 0).map(({ label, xs }) => `${label}: ${xs.length} marks`);
  return `${yLabel} over ${xLabel}: ${[...sentences, ...counts].join("; ")}.`;
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

function nothingToDraw(name: string): FusionError {
  return new FusionError({
    code: "OPTION_INVALID",
    at: name,
    expected: "at least one series with a point",
    actual: "none",
    hint: "Leave it out when there is nothing to draw.",
  });
}
