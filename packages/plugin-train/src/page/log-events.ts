import { createReadStream } from "node:fs";
import { z } from "zod";
import type { TrainEvent } from "../trainer/train-events.ts";

/** What was no number is null in JSON; what an older log lacks is none either. */
const number = z
  .number()
  .nullish()
  .transform((value) => value ?? Number.NaN);
const count = z.number().catch(0);
const stage = z.string().nullable().catch(null);
const sources = z.array(z.object({ source: z.string(), answer: number, answerTokens: count })).catch([]);
const losses = { loss: number, answer: number, visionToText: number, textToVision: number };

/** Lines of train-log.jsonl, also of versions before this one. */
const schema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("data"),
    file: z.string(),
    samples: count,
    pictures: count,
    skipped: z.array(z.object({ record: z.number(), unit: z.enum(["record", "line"]), reason: z.string() })).catch([]),
    cutInstructions: count,
    source: z.string().optional(),
    bytes: count,
    records: count,
    sha256: z.string().catch(""),
    sampling: z.string().catch("all"),
    duplicateIds: z.object({ count, first: z.array(z.string()) }).catch({ count: 0, first: [] }),
  }),
  z.object({
    type: z.literal("begin"),
    stage,
    stepsBefore: count,
    model: z.string(),
    parameters: count,
    device: z.string().catch("unknown"),
    phases: z.array(z.object({ name: z.string(), samples: count, shapes: count })).catch([]),
    steps: z.number().nullable().catch(null),
    settings: z.record(z.string(), z.unknown()).catch({}),
    machine: z.record(z.string(), z.union([z.string(), z.number()])).catch({}),
  }),
  z.object({
    type: z.literal("step"),
    step: z.int(),
    stage,
    phase: z.string(),
    epoch: count,
    ...losses,
    sources,
    gradientNorm: number,
    learningRate: number,
    latents: count,
    samples: count,
    answerTokens: count,
    seconds: number,
    compiled: z.boolean().catch(false),
    samplesPerSecond: number,
    gflops: number,
    progress: number,
    secondsElapsed: number,
    secondsLeft: number,
  }),
  z.object({
    type: z.literal("skipped-step"),
    step: z.int(),
    stage,
    reason: z.string(),
    loss: z.number().nullable().catch(null),
    gradientNorm: z.number().nullable().catch(null),
    batch: z.array(z.string()).catch([]),
  }),
  z.object({
    type: z.literal("evaluation"),
    step: z.int(),
    stage,
    samples: count,
    ...losses,
    tokenAccuracy: number,
    exactMatch: number,
    sources,
    best: z.boolean().catch(false),
    seconds: number,
  }),
  z.object({
    type: z.literal("checkpoint"),
    step: z.int(),
    stage,
    folder: z.string(),
    bytes: count,
    seconds: number,
  }),
  z.object({ type: z.literal("warning"), message: z.string() }),
  z.object({
    type: z.literal("end"),
    steps: count,
    samples: count,
    seconds: number,
    stoppedEarly: z.boolean().catch(false),
  }),
]);

/** Types that this version knows; lines of others are left alone. */
const known: ReadonlySet<unknown> = new Set(schema.options.map(({ shape }) => shape.type.value));

/** Bytes; lines that begin a training with many settings have a few thousand. */
const longestLine = 2 ** 24;

/**
 * Reads the events of a training's log, one line in memory at a time.
 *
 * Lines of unknown types are left out. So are lines that are no event, as a killed process leaves one: `onUnreadable` is called
 * for each.
 *
 * @throws what the system says when the file cannot be read
 */
export async function* logEvents(path: string, onUnreadable: () => void): AsyncGenerator<TrainEvent> {
  for await (const line of lines(path)) {
    const event = line && eventOf(line.toString("utf8"));
    if (event === undefined) onUnreadable();
    else if (event !== "unknown") yield event;
  }
}

function eventOf(line: string): TrainEvent | "unknown" | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const type = (value as { readonly type?: unknown } | null)?.type;
  if (typeof type === "string" && !known.has(type)) return "unknown";
  const event = schema.safeParse(value).data;
  // Logs of versions without mixing files name a source by its file alone.
  return event?.type === "data" ? { ...event, source: event.source ?? event.file } : event;
}

/** Lines without their ends; undefined for one that is too long for any event. */
async function* lines(path: string): AsyncGenerator<Buffer | undefined> {
  let parts: Buffer[] = [];
  let length = 0;
  const take = () => {
    const line = length > longestLine ? undefined : Buffer.concat(parts);
    [parts, length] = [[], 0];
    return line;
  };
  const keep = (part: Buffer) => {
    length += part.length;
    if (length <= longestLine) parts.push(part);
  };
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      keep(chunk.subarray(start, end));
      start = end + 1;
      yield take();
    }
    keep(chunk.subarray(start));
  }
  if (length > 0) yield take();
}
