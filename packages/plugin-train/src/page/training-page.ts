import {
  type Chart,
  type ChartsSection,
  formatBytes,
  formatCount,
  htmlPage,
  type Pins,
  type Point,
  type Section,
  type Series,
} from "@fusion-vlm/plugin-kit";
import { shortNames } from "./file-names.ts";
import { formatSpan } from "./format-span.ts";
import type { ThinnedCurve } from "./thinned-curve.ts";
import type { DataFacts, SourceCurves, TrainingHistory } from "./training-history.ts";

export interface TrainingPageOptions {
  /** The training runs: the page renews itself. */
  readonly live: boolean;
  /** `Training of MODEL` when absent. */
  readonly title?: string;
  /** When this page was made. */
  readonly written: Date;
  /** Why a training that has not ended does not run any more, in a sentence. */
  readonly reason?: string;
}

/** Seconds between two looks at a page that is live. */
const refresh = 10;

/** Curves of one drawing that can be told apart: as many as there are colours with a pattern each. */
const curvesTogether = 6;

type TitledChart = ChartsSection["charts"][number];

/** The page of a training: its state, key facts, curves, data, settings and notes. */
export function trainingPage(history: TrainingHistory, options: TrainingPageOptions): string {
  const { live, written, title = titleOf(history) } = options;
  const progress = history.last?.progress ?? Number.NaN;
  return htmlPage({
    title,
    summary: `${stateOf(history, options)} Written ${utc(written)}.`,
    ...(live && Number.isFinite(progress) && { progress: { label: `${percent(progress)} done`, share: progress } }),
    ...(live && { refresh }),
    sections: [
      { type: "facts", heading: "Key facts", facts: factsOf(history) },
      ...lossSections(history),
      ...heldOutSections(history),
      ...stepSections(history),
      ...dataSections(history),
      ...settingsSections(history),
      ...notesSections(history),
    ],
  });
}

function titleOf({ stages }: TrainingHistory): string {
  return `Training of ${stages[0]?.model ?? "a model"}`;
}

/** Running, finished or stopped, and how far. */
function stateOf(history: TrainingHistory, { live, reason }: TrainingPageOptions): string {
  const { last, end, seconds } = history;
  const where = placeOf(history);
  if (live) {
    if (!last) return "Running.";
    const done = Number.isFinite(last.progress) ? `, ${percent(last.progress)} done` : "";
    const left = Number.isFinite(last.secondsLeft) ? `, about ${formatSpan(last.secondsLeft)} left` : "";
    return `Running: ${where}${done}${left}.`;
  }
  if (end) return `Finished: ${end.steps} steps in ${formatSpan(seconds)}.`;
  const why = reason === undefined ? "" : ` ${/[.!?]$/.test(reason) ? reason : `${reason}.`}`;
  return `Stopped at ${where}.${why}`;
}

/** `step 412 of 1400`; in a stage `stage 1.5, step 112 of 500 (412 in all)`. */
function placeOf({ last, stages }: TrainingHistory): string {
  if (!last) return "the beginning";
  const stage = stages.at(-1);
  const before = stage?.start;
  const within = stage?.steps && before !== undefined ? `step ${last.step - before} of ${stage.steps}` : undefined;
  const name = stage ? stage.stage : last.stage;
  if (name === null) return within ?? `step ${last.step}`;
  const total = before !== undefined && before > 0 ? ` (${last.step} in all)` : "";
  return `stage ${name}, ${within ? `${within}${total}` : `step ${last.step}`}`;
}

function factsOf(history: TrainingHistory): [string, string | number | undefined][] {
  const { stages, last, data, best, lastEvaluation, lastCheckpoint, skippedNotes } = history;
  const stage = stages.at(-1);
  const { processor, cores, threads } = stage?.machine ?? {};
  const setting = (name: string) => {
    const values = stages
      .map(({ settings }) => settings[name])
      .filter((value) => value !== undefined && value !== null);
    return values.length > 0 ? [...new Set(values.map(String))].join(", ") : undefined;
  };
  const left = [...data.values()].reduce((sum, { skipped }) => sum + skipped, 0);
  const samples = [...data.values()].reduce((sum, file) => sum + file.samples, 0);
  return [
    ["began from", stages[0]?.model],
    ["parameters", stage && formatCount(stage.parameters)],
    ["device", stage?.device],
    ["machine", processor === undefined ? undefined : `${processor}, ${cores} cores, threads: ${threads}`],
    [
      "data files",
      data.size > 0 ? `${data.size} with ${samples} samples${left > 0 ? `, ${left} left out` : ""}` : undefined,
    ],
    ["stages", stages.length > 1 ? stages.map((one) => one.stage ?? "–").join(", ") : undefined],
    ["batch size", setting("batchSize")],
    ["peak learning rate", setting("learningRate")],
    ["seed", setting("seed")],
    ["steps", last?.step],
    ["samples trained on", history.samples],
    ["time in steps", formatSpan(history.seconds)],
    ["speed", last && last.samplesPerSecond > 0 ? `${last.samplesPerSecond.toPrecision(3)} samples/s` : undefined],
    ["held out, last", lastEvaluation && heldOutFact(lastEvaluation)],
    ["held out, best", best && heldOutFact(best)],
    [
      "last checkpoint",
      lastCheckpoint && `step ${lastCheckpoint.step}: ${lastCheckpoint.folder} (${formatBytes(lastCheckpoint.bytes)})`,
    ],
    ["skipped steps", skippedNotes.count || undefined],
  ];
}

function heldOutFact({ step, answer, exactMatch }: { step: number; answer: number; exactMatch: number }): string {
  return `answer loss ${answer.toPrecision(3)}, exact match ${percent(exactMatch)} (step ${step})`;
}

/** What charts over steps have in common. */
function overSteps(history: TrainingHistory) {
  const beginnings = history.beginnings;
  // Mixed data files are named with a plus between.
  const filesOf = (label: string) => label.split(" + ");
  const short = shortNames(beginnings.flatMap(({ label }) => filesOf(label)));
  const nameOf = (label: string) => filesOf(label).map(short).join(" + ");
  return {
    xLabel: "step",
    wholeX: true,
    xRange: history.range,
    marks: beginnings.length > 1 ? beginnings.map(({ x, label }) => ({ x, label: nameOf(label) })) : [],
  };
}

function lossSections(history: TrainingHistory): Section[] {
  if (!history.last) return [];
  const common = overSteps(history);
  const chart = (title: string, series: readonly Series[]): TitledChart => ({
    ...{ title, series, ...common, yLabel: "loss", yScale: scaleOf(series), pins: pinsOf(history) },
  });
  const losses: Section = {
    type: "charts",
    heading: "Losses",
    charts: [
      chart("Total and answer", [
        { label: "total", points: history.loss.points },
        { label: "answer (cross entropy)", points: history.answer.points },
      ]),
      chart("Mapping", [
        { label: "vision to text", points: history.visionToText.points },
        { label: "text to vision", points: history.textToVision.points },
      ]),
    ],
    caption: captionOf(history.loss),
  };
  const charts = sourceCharts(history.sources, (title, drawn) => ({
    ...{ title, series: drawn, ...common, yLabel: "answer loss", yScale: scaleOf(drawn), raw: false },
  }));
  if (charts.length === 0) return [losses];
  const caption = "Cross entropy of the answers of each data file, as a median of the points around.";
  if (charts.length > 1) return [losses, { type: "charts", heading: "Answer loss by data file", charts, caption }];
  return [losses, { ...charts[0]!, type: "curves", heading: "Answer loss by data file", caption }];
}

/** Data files in drawings of a few each; none for a single file, which has the curve of all. */
function sourceCharts(
  { curves }: SourceCurves,
  chartOf: (title: string, series: readonly Series[]) => TitledChart,
): TitledChart[] {
  if (curves.size < 2) return [];
  const short = shortNames(curves.keys());
  const series = [...curves].map(([source, curve]) => ({ label: short(source), points: curve.points }));
  const parts = Math.ceil(series.length / curvesTogether);
  const size = Math.ceil(series.length / parts);
  return Array.from({ length: parts }, (_, part) => {
    const [from, to] = [part * size, Math.min(series.length, (part + 1) * size)];
    const title = parts === 1 ? "answer loss by data file" : `data files ${from + 1} to ${to}`;
    return chartOf(title, series.slice(from, to));
  });
}

function heldOutSections(history: TrainingHistory): Section[] {
  const { heldOut, best } = history;
  if (heldOut.answer.size === 0) return [];
  const common = { ...overSteps(history), smoothing: 1, dots: true };
  const ringed = (value: number | undefined) =>
    best && value !== undefined && Number.isFinite(value)
      ? { highlight: { point: [best.step, value] as const, label: "best" } }
      : {};
  const answer = [{ label: "answer loss", points: heldOut.answer.points, ...ringed(best?.answer) }];
  const shares = [
    { label: "exact match", points: inPercent(heldOut.exactMatch), ...ringed(best && 100 * best.exactMatch) },
    { label: "token accuracy", points: inPercent(heldOut.tokenAccuracy), ...ringed(best && 100 * best.tokenAccuracy) },
  ];
  const charts: TitledChart[] = [
    { title: "Answer loss", series: answer, ...common, yLabel: "loss", yScale: scaleOf(answer) },
    { title: "Right answers and tokens", series: shares, ...common, yLabel: "share in %" },
    ...sourceCharts(heldOut.sources, (title, series) => ({
      ...{ title: `Answer loss, ${title.replace(/^answer loss /, "")}`, series, ...common },
      ...{ yLabel: "loss", yScale: scaleOf(series) },
    })),
  ];
  const caption =
    "Each dot is an evaluation of samples that are not trained on. Exact match: all tokens of an answer are the likeliest ones. A ring marks the best evaluation.";
  return [{ type: "charts", heading: "Held-out samples", charts, caption }];
}

function stepSections(history: TrainingHistory): Section[] {
  const common = overSteps(history);
  const chart = (title: string, yLabel: string, curve: ThinnedCurve, more: Partial<Chart> = {}): TitledChart[] =>
    curve.size === 0 ? [] : [{ title, series: [{ label: yLabel, points: curve.points }], ...common, yLabel, ...more }];
  const charts = [
    ...chart("Learning rate", "rate", history.learningRate, { smoothing: 1 }),
    ...chart("Gradient norm", "norm", history.gradientNorm, { yScale: "log", pins: pinsOf(history).slice(1) }),
    ...chart("Samples per second", "samples/s", history.samplesPerSecond),
    ...chart("Arithmetic", "GFLOP/s", history.gflops),
  ];
  if (charts.length === 0) return [];
  return [{ type: "charts", heading: "Steps", charts, caption: "Strong lines are medians of the points around." }];
}

function pinsOf({ checkpoints, skippedSteps }: TrainingHistory): Pins[] {
  const xsOf = (curve: ThinnedCurve) => curve.points.map(([x]) => x);
  return [
    { label: "checkpoint", shape: "dot", xs: xsOf(checkpoints) },
    { label: "skipped step", shape: "tick", xs: xsOf(skippedSteps) },
  ];
}

function dataSections({ data }: TrainingHistory): Section[] {
  if (data.size === 0) return [];
  const files = [...data.values()];
  const columns: readonly (readonly [head: string, value: (file: DataFacts) => string | number])[] = [
    ["file", ({ source }) => source],
    ["samples", ({ samples }) => samples],
    ["pictures", ({ pictures }) => pictures],
    ...(files.some(({ skipped }) => skipped > 0) ? [["left out", (file: DataFacts) => file.skipped] as const] : []),
    ...(files.some(({ sampling }) => sampling !== "all")
      ? [["records", ({ sampling, records }: DataFacts) => `${sampling} of ${records}`] as const]
      : []),
    ...(files.some(({ cutInstructions }) => cutInstructions > 0)
      ? [["instructions cut", (file: DataFacts) => file.cutInstructions] as const]
      : []),
  ];
  const rows = files.map((file) => columns.map(([, value]) => value(file)));
  return [{ type: "table", heading: "Data", head: columns.map(([head]) => head), rows }];
}

/** Every setting of each stage, so that who sees the page can do it again. */
function settingsSections({ stages }: TrainingHistory): Section[] {
  if (stages.length === 0) return [];
  const kinds = ["settings", "machine"] as const;
  const rows = kinds.flatMap((kind) => {
    const names = new Set(stages.flatMap((stage) => Object.keys(stage[kind])));
    return [...names].map((name) => [name, ...stages.map((stage) => settingText(stage[kind][name]))]);
  });
  const steps = ["steps", ...stages.map((stage) => settingText(stage.steps))];
  const head = ["setting", ...stages.map(({ stage }) => (stage === null ? "value" : `stage ${stage}`))];
  return [{ type: "table", heading: "Settings", head, rows: [steps, ...rows], folded: "All settings and the machine" }];
}

function settingText(value: unknown): string {
  if (value === undefined || value === null) return "–";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function notesSections(history: TrainingHistory): Section[] {
  const { data, sources, heldOut, unreadable } = history;
  const paragraphs = [
    ...[...data.values()].flatMap(({ file, skipped, named }) => {
      if (skipped === 0) return [];
      return [`${file}: ${skipped} left out, too long: ${named.join(", ")}${skipped > named.length ? ", …" : "."}`];
    }),
    ...history.resumed.kept,
    ...history.skippedNotes.kept,
    ...history.warnings.kept,
  ];
  if (sources.incomplete || heldOut.sources.incomplete) {
    paragraphs.push(`There are more data files than have a curve: ${sources.curves.size} are drawn.`);
  }
  if (unreadable > 0) {
    const lines = unreadable === 1 ? "1 line of the log is" : `${unreadable} lines of the log are`;
    paragraphs.push(`${lines} no event, as a training that is killed leaves behind, and left out here.`);
  }
  return paragraphs.length === 0 ? [] : [{ type: "notes", heading: "Notes", paragraphs }];
}

function captionOf(curve: ThinnedCurve): string {
  const average = curve.width > 1 ? `, each the average of ${curve.width} steps` : "";
  return `Strong lines are medians of the points around, faint ones the points themselves${average}.`;
}

/** Losses fall by powers; what is no positive number has no place on such an axis. */
function scaleOf(series: readonly Series[]): "linear" | "log" {
  return series.every(({ points }) => points.every(([, value]) => !(value <= 0))) ? "log" : "linear";
}

function inPercent(curve: ThinnedCurve): Point[] {
  return curve.points.map(([x, share]) => [x, 100 * share]);
}

function percent(share: number): string {
  return `${Math.floor(1000 * share + 1e-9) / 10} %`;
}

function utc(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
