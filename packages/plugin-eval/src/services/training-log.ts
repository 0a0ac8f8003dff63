import { stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import type { TrainingLogEntry } from "@fusion-vlm/plugin-kit";
import { z } from "zod";
import { jsonLines } from "./json-lines.ts";
import { reportError } from "./report-error.ts";
import { StepThinner } from "./step-thinner.ts";

// Lines of train-log.jsonl as `fusion train` writes them (docs/training.md): what a report needs of them.
const dataSchema = z.object({ file: z.string(), samples: z.number(), pictures: z.number() });

const beginSchema = z.object({
  /** More than 0 in a later stage, and where a training was resumed. */
  stepsBefore: z.number().optional(),
  model: z.string(),
  parameters: z.number(),
  device: z.string(),
  settings: z.record(z.string(), z.unknown()),
  machine: z.record(z.string(), z.union([z.string(), z.number()])),
});

/** What was no number is null in JSON. */
const loss = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);

const stepSchema = z.object({
  step: z.int(),
  /** Logs of versions without stages lack it. */
  stage: z.string().nullish(),
  phase: z.string(),
  loss,
  answer: loss,
  visionToText: loss,
  textToVision: loss,
  samples: z.number(),
  seconds: z.number(),
  compiled: z.boolean(),
  secondsElapsed: z.number(),
});

const endSchema = z.object({ seconds: z.number() });

/** What a training's log tells. */
export interface TrainingLog extends z.infer<typeof beginSchema> {
  readonly path: string;
  readonly data: readonly z.infer<typeof dataSchema>[];
  /** In order; of a long log every second, fourth … step. */
  readonly entries: readonly TrainingLogEntry[];
  /** One of how many steps is among the entries. */
  readonly every: number;
  readonly steps: number;
  readonly samples: number;
  /** Wall time; up to the last step where the log has no end. */
  readonly seconds: number;
  /** Mean over the steps that had nothing to compile; null without such. */
  readonly samplesPerSecond: number | null;
  /** `unfinished`: the log has no end. */
  readonly end: "complete" | "unfinished";
  /** The last line was cut off, and is left out. */
  readonly cut: boolean;
}

const hint = "Give a model folder that fusion train has written, or its train-log.jsonl.";

/** Steps of a log that are kept; a chart has room for fewer. */
const mostEntries = 20_000;

/**
 * Reads the log of a training, line by line.
 *
 * @param place - model folder with train-log.jsonl, or such a file
 * @throws RESULTS_INVALID when there is none, naming the line that is wrong
 */
export async function readTrainingLog(place: string, signal?: AbortSignal): Promise<TrainingLog> {
  const isFolder = (await stat(place).catch(() => undefined))?.isDirectory() ?? false;
  const path = isFolder ? join(place, "train-log.jsonl") : place;
  const data: z.infer<typeof dataSchema>[] = [];
  const thinner = new StepThinner<TrainingLogEntry>(mostEntries);
  const timed = { samples: 0, seconds: 0 };
  let [cut, samples] = [false, 0];
  let begin: z.infer<typeof beginSchema> | undefined;
  let last: z.infer<typeof stepSchema> | undefined;
  let end: z.infer<typeof endSchema> | undefined;
  const onCut = () => {
    cut = true;
  };
  for await (const { number, value } of jsonLines(path, { what: "a training log", hint, onCut, signal })) {
    const at = `${path}: line ${number}`;
    switch (typeOf(value, at)) {
      case "data":
        data.push(checked(dataSchema, value, at));
        break;
      case "begin":
        begin = checked(beginSchema, value, at);
        // A training that is resumed does the steps behind its checkpoint again.
        if (begin.stepsBefore !== undefined) thinner.dropLast(isAfter(begin.stepsBefore));
        end = undefined;
        break;
      case "step":
        last = checked(stepSchema, value, at);
        thinner.add(entryOf(last));
        samples += last.samples;
        if (!last.compiled) {
          timed.samples += last.samples;
          timed.seconds += last.seconds;
        }
        break;
      case "end":
        end = checked(endSchema, value, at);
    }
  }
  if (!begin || !last) {
    throw reportError(path, "the log of a training with at least one step", begin ? "none" : "no training", hint);
  }
  return {
    ...begin,
    path,
    data,
    entries: thinner.kept,
    every: thinner.every,
    steps: last.step,
    samples,
    seconds: end?.seconds ?? last.secondsElapsed,
    samplesPerSecond: timed.seconds > 0 ? timed.samples / timed.seconds : null,
    end: end === undefined ? "unfinished" : "complete",
    cut,
  };
}

function isAfter(step: number): (entry: TrainingLogEntry) => boolean {
  return (entry) => entry.step > step;
}

function typeOf(value: unknown, at: string): string {
  return checked(z.object({ type: z.string() }), value, at).type;
}

function checked<Schema extends z.ZodType>(schema: Schema, value: unknown, at: string): z.infer<Schema> {
  const { data, error } = schema.safeParse(value);
  if (error === undefined) return data as z.infer<Schema>;
  const { path, message } = error.issues[0]!;
  const actual = path.length > 0 ? `${path.join(".")}: ${message}` : message;
  throw reportError(at, "an event of a training", actual, hint);
}

function entryOf({ step, stage, phase, ...losses }: z.infer<typeof stepSchema>): TrainingLogEntry {
  const { loss, answer, visionToText: v2t, textToVision: t2v } = losses;
  return { step, stage: stage ? `stage ${stage}` : phaseName(phase), losses: { loss, answer, v2t, t2v } };
}

/** Data files are named by their paths, mixed ones with a plus between: `captions`, `captions + train`. */
function phaseName(phase: string): string {
  return phase
    .split(" + ")
    .map((file) => basename(file.replaceAll("\\", "/"), extname(file)))
    .join(" + ");
}
