import { formatBytes, keyValues, printableLine } from "@fusion-vlm/plugin-kit";
import type { ReportContent } from "../services/gather-report.ts";
import { percent, points, range } from "./shares.ts";

/** The document of `fusion eval report`. */
export interface ReportResult {
  /** Path of the page. */
  readonly page: string;
  readonly bytes: number;
  readonly title: string;
  readonly model: string;
  readonly questions: number;
  readonly pictures: number;
  /** Shares of right answers, from 0 to 1; null for what was not measured. */
  readonly exactMatch: { readonly picture: number; readonly blank: number | null; readonly before: number | null };
  /** With the picture minus with a blank one. */
  readonly difference: Gain | null;
  /** After this training minus before. */
  readonly gained: Gain | null;
  /** All logs together. */
  readonly training: { readonly steps: number; readonly samples: number; readonly seconds: number } | null;
  readonly shown: { readonly pictures: number; readonly missing: number };
  readonly notes: readonly string[];
}

export interface Gain {
  /** -1 to 1 */
  readonly difference: number;
  /** 95 %; null where one picture alone tells nothing about others. */
  readonly interval: readonly [number, number] | null;
}

export function reportResult(
  { score, before, gained, logs, samples, notes }: ReportContent,
  file: Pick<ReportResult, "page" | "bytes" | "title">,
): ReportResult {
  const { picture, blank, difference } = score.overall;
  const sum = (value: (log: (typeof logs)[number]) => number) => logs.reduce((total, log) => total + value(log), 0);
  return {
    ...file,
    model: score.model,
    questions: score.questions,
    pictures: score.pictures,
    exactMatch: {
      picture: picture.share,
      blank: blank?.share ?? null,
      before: before?.overall.picture.share ?? null,
    },
    difference: gainOf(difference),
    gained: gainOf(gained),
    training:
      logs.length > 0
        ? { steps: sum(({ steps }) => steps), samples: sum((log) => log.samples), seconds: sum((log) => log.seconds) }
        : null,
    shown: {
      pictures: samples.length,
      missing: samples.filter((sample) => typeof sample.picture === "string").length,
    },
    notes,
  };
}

/** The figures, and where the page is. */
export function renderReportResult({ page, bytes, exactMatch, difference, gained, shown }: ReportResult): string {
  const { picture, blank, before } = exactMatch;
  const share = (value: number | null) => (value === null ? undefined : `${percent(value)} %`);
  return keyValues([
    ["exact match", share(picture)],
    ["blank picture", share(blank)],
    ["difference", inPoints(difference)],
    ["before this training", share(before)],
    ["gained", inPoints(gained)],
    ["page", `${printableLine(page)} (${formatBytes(bytes)}, ${shown.pictures} pictures)`],
  ]);
}

function inPoints(gain: Gain | null): string | undefined {
  if (gain === null) return undefined;
  return `${points(gain.difference)} points${gain.interval ? ` (95 %: ${range(gain.interval)})` : ""}`;
}

function gainOf(gain: Gain | undefined): Gain | null {
  return gain ? { difference: gain.difference, interval: gain.interval } : null;
}
