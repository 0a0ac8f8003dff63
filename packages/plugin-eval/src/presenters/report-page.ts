import { formatCount, formatDuration, type TrainingLogEntry, trainingReport } from "@fusion-vlm/plugin-kit";
import type { ReportContent } from "../services/gather-report.ts";
import type { PairedDifference } from "../services/paired-difference.ts";
import type { TrainingLog } from "../services/training-log.ts";
import { percent, points, range } from "./shares.ts";

/** The page of a report: one HTML file in a string. */
export function reportPage(content: ReportContent, title = titleOf(content)): string {
  const { score, before, logs, samples, notes } = content;
  const choice = `${samples.length} of ${score.pictures} pictures, chosen by a hash of their names and not by their answers.`;
  return trainingReport({
    title,
    summary: summaryOf(content),
    facts: factsOf(content),
    log: joinedLogs(logs),
    scores: score,
    before,
    samples,
    choice,
    notes: [...notes, ...logs.map(settingsNote)],
  });
}

export function titleOf({ score }: ReportContent): string {
  return `Report on ${score.model}`;
}

/** The figures that matter, in words. */
export function summaryOf({ score, before, gained }: ReportContent): string {
  const { picture, blank, difference } = score.overall;
  const sentences = [`${percent(picture.share)} % of the answers match exactly with the picture`];
  if (blank) sentences.push(`, ${percent(blank.share)} % with a blank one`);
  if (difference) sentences.push(`, a difference of ${withRange(difference)}`);
  sentences.push(".");
  if (before) {
    sentences.push(` Before this training it was ${percent(before.overall.picture.share)} %`);
    sentences.push(gained ? `, a gain of ${withRange(gained)}.` : ".");
  }
  return sentences.join("");
}

function factsOf({ score, before, gained, logs }: ReportContent): [string, string | number | undefined][] {
  const { picture, blank, difference } = score.overall;
  const [first, last] = [logs[0], logs.at(-1)];
  const sum = (value: (log: TrainingLog) => number) => logs.reduce((total, log) => total + value(log), 0);
  const settings = (key: string) => logs.length > 0 && distinct(logs.map((log) => String(log.settings[key] ?? "–")));
  return [
    ["exact match, with the picture", `${percent(picture.share)} % (95 %: ${range(picture.interval)})`],
    ["with a blank picture", blank && `${percent(blank.share)} % (95 %: ${range(blank.interval)})`],
    ["difference", difference && withRange(difference)],
    ["before this training", before && `${percent(before.overall.picture.share)} %`],
    ["gained", gained && withRange(gained)],
    ["held-out questions", `${score.questions} about ${score.pictures} pictures`],
    ["model", score.model],
    ["parameters", last && formatCount(last.parameters)],
    ["began from", first?.model],
    ["training data", logs.length > 0 ? distinct(logs.flatMap(dataOf)) : undefined],
    ["steps", logs.length > 0 ? sum(({ steps }) => steps) : undefined],
    ["samples", logs.length > 0 ? sum(({ samples }) => samples) : undefined],
    ["time", logs.length > 0 ? `${formatDuration(sum(({ seconds }) => seconds))} min` : undefined],
    ["samples a second", last?.samplesPerSecond?.toFixed(1)],
    ["batch size", settings("batchSize") || undefined],
    ["peak learning rate", settings("learningRate") || undefined],
    ["seed", settings("seed") || undefined],
    ["trained on", last && `${last.machine.processor ?? last.device}, ${last.machine.cores ?? "?"} cores`],
  ];
}

/** All logs as one: steps are counted on. */
function joinedLogs(logs: readonly TrainingLog[]): TrainingLogEntry[] {
  let before = 0;
  return logs.flatMap(({ entries, steps }, index) => {
    const offset = before;
    before += steps;
    const name = (stage?: string) => (logs.length > 1 ? `${index + 1}: ${stage}` : stage);
    return entries.map(({ step, stage, losses }) => ({ step: step + offset, stage: name(stage), losses }));
  });
}

function dataOf({ data }: TrainingLog): string[] {
  return data.map(({ file, samples }) => `${file.split(/[\\/]/).at(-1)} (${samples} samples)`);
}

/** Everything that the numbers depend on. */
function settingsNote({ path, settings, machine }: TrainingLog): string {
  const list = (values: Readonly<Record<string, unknown>>) =>
    Object.entries(values)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`)
      .join(", ");
  return `${path}: ${list(settings)}; ${list(machine)}.`;
}

function withRange({ difference, interval }: Pick<PairedDifference, "difference" | "interval">): string {
  return `${points(difference)} points${interval ? ` (95 %: ${range(interval)})` : ""}`;
}

function distinct(values: readonly string[]): string {
  return [...new Set(values)].join(", ");
}
