import type { Series } from "./chart.ts";
import type { Point } from "./curve.ts";
import type { FactsSection } from "./facts-section.ts";
import { htmlPage, type Section } from "./page.ts";
import type { Sample } from "./samples-section.ts";
import type { ScoreBar, ScoreRow } from "./scores-section.ts";

/** A step of a training, as its log holds it. */
export interface TrainingLogEntry {
  /** Counted through all stages. */
  readonly step: number;
  /** The stage that the step belongs to. */
  readonly stage?: string;
  /** Losses by name: `loss` (the total), `answer`, `v2t`, `t2v`, or others. */
  readonly losses: Readonly<Record<string, number>>;
}

/** Right answers among questions of one kind, or all. */
export interface ReportScore {
  readonly picture: ScoreBar & { readonly total: number };
  /** The same questions about a blank picture. */
  readonly blank?: ScoreBar;
}

export interface ReportScores {
  readonly overall: ReportScore;
  readonly kinds: readonly (ReportScore & { readonly kind: string })[];
}

export interface TrainingReport {
  readonly title: string;
  readonly summary?: string;
  readonly facts?: FactsSection["facts"];
  /** In the order of steps. */
  readonly log: readonly TrainingLogEntry[];
  readonly scores?: ReportScores;
  /** Of the same questions, before the training. */
  readonly before?: ReportScores;
  readonly samples?: readonly Sample[];
  /** How the samples were chosen, in sentences. */
  readonly choice?: string;
  readonly notes?: readonly string[];
}

/** What the losses of a training step are called on the page. */
const lossNames: Readonly<Record<string, string>> = {
  loss: "total",
  answer: "answer (cross entropy)",
  v2t: "vision to text",
  t2v: "text to vision",
};

/** The page of a training: facts, loss curves of each part, scores with and without the picture, a contact sheet, notes. */
export function trainingReport(report: TrainingReport): string {
  const { title, summary, facts, log, scores, before, samples, choice, notes } = report;
  const sections: Section[] = [];
  if (facts) sections.push({ type: "facts", heading: "Key facts", facts });
  if (log.length > 0) sections.push(lossSection(log));
  if (scores) sections.push(scoreSection(scores, before));
  if (samples?.length) sections.push(sampleSection(samples, choice));
  if (notes?.length) sections.push({ type: "notes", heading: "Notes", paragraphs: notes });
  return htmlPage({ title, summary, sections });
}

function lossSection(log: readonly TrainingLogEntry[]): Section {
  const curves = new Map<string, Point[]>();
  for (const { step, losses } of log) {
    for (const [name, loss] of Object.entries(losses)) {
      const points = curves.get(name) ?? [];
      curves.set(name, points);
      points.push([step, loss]);
    }
  }
  const series: Series[] = [...curves].map(([name, points]) => ({ label: lossNames[name] ?? name, points }));
  const positive = series.every(({ points }) => points.every(([, loss]) => !(loss <= 0)));
  return {
    type: "curves",
    heading: "Losses",
    series,
    xLabel: "step",
    yLabel: "loss",
    yScale: positive ? "log" : "linear",
    marks: stageStarts(log),
  };
}

/** The first step of each stage, where there are several. */
function stageStarts(log: readonly TrainingLogEntry[]): { x: number; label: string }[] {
  const starts = log.flatMap(({ step, stage }, index) =>
    stage !== undefined && stage !== log[index - 1]?.stage ? [{ x: step, label: stage }] : [],
  );
  return starts.length > 1 ? starts : [];
}

function scoreSection(scores: ReportScores, before?: ReportScores): Section {
  const withBlank = scores.overall.blank !== undefined;
  const row = (label: string, { picture, blank }: ReportScore, earlier?: ReportScore): ScoreRow => ({
    label,
    total: picture.total,
    bars: [picture, ...(withBlank ? [blank] : []), ...(before ? [earlier?.picture] : [])],
  });
  const earlierOf = (kind: string) => before?.kinds.find((earlier) => earlier.kind === kind);
  return {
    type: "scores",
    heading: "Right answers",
    bars: [
      "with the picture",
      ...(withBlank ? ["with a blank picture"] : []),
      ...(before ? ["with the picture, before this training"] : []),
    ],
    rows: [
      ...scores.kinds.map((score) => row(score.kind, score, earlierOf(score.kind))),
      { ...row("all", scores.overall, before?.overall), emphasis: true },
    ],
    caption: "Share of answers that match exactly; the whiskers are 95 % Wilson intervals.",
  };
}

function sampleSection(samples: readonly Sample[], choice?: string): Section {
  const questions = samples.flatMap((sample) => sample.questions);
  const right = questions.filter(({ correct }) => correct).length;
  return {
    type: "samples",
    heading: "Pictures, questions, answers",
    samples,
    caption: [choice, `${right} of these ${questions.length} answers are right.`].filter(Boolean).join(" "),
  };
}
