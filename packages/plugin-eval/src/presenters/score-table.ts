import { formatDuration, printableLine, table } from "@fusion-vlm/plugin-kit";
import type { Proportion, Score } from "../services/builtin-score.ts";
import type { BuiltinReport } from "../services/evaluate-builtin.ts";
import type { Interval } from "../services/wilson.ts";
import { percent, points } from "./shares.ts";

/** Kinds and their shares of right answers, then how the run went. */
export function renderBuiltinReport(report: BuiltinReport): string {
  const { overall, kinds, questions, pictures, run, predictions } = report;
  const rows = [...kinds, { kind: "all", ...overall }];
  const columns = [
    { head: "kind", value: ({ kind }: (typeof rows)[number]) => kind },
    { head: "questions", value: ({ picture }: Score) => picture.total, align: "right" as const },
    { head: "exact match", value: ({ picture }: Score) => proportion(picture), align: "right" as const },
  ];
  const blankColumns = [
    { head: "blank picture", value: ({ blank }: Score) => (blank ? proportion(blank) : ""), align: "right" as const },
    { head: "difference", value: ({ difference }: Score) => gain(difference), align: "right" as const },
  ];
  const rate = run.answersPerSecond === null ? "" : `, ${run.answersPerSecond.toFixed(1)} a second`;
  const resumed = run.resumed > 0 ? `; ${run.resumed} taken over from an earlier run` : "";
  return [
    table(rows, overall.blank ? [...columns, ...blankColumns] : columns),
    "",
    `${questions} questions about ${pictures} pictures; intervals are 95 %.`,
    `${run.answers} answers in ${formatDuration(run.seconds)} min${rate}${resumed}.`,
    ...(predictions === null ? [] : [`Predictions: ${printableLine(predictions)}`]),
  ].join("\n");
}

function proportion({ share, interval }: Proportion): string {
  return `${percent(share)} % ${range(interval)}`;
}

function gain(difference: Score["difference"]): string {
  if (!difference) return "";
  return `${points(difference.difference)} ${difference.interval ? range(difference.interval) : ""}`.trimEnd();
}

function range([low, high]: Interval): string {
  return `[${percent(low)}, ${percent(high)}]`;
}
