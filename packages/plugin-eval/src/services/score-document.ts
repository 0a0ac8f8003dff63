import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { reportError, systemReason } from "./report-error.ts";

const proportionSchema = z.object({
  correct: z.int(),
  total: z.int(),
  share: z.number(),
  interval: z.tuple([z.number(), z.number()]),
});

const scoreSchema = z.object({
  picture: proportionSchema,
  blank: proportionSchema.optional(),
  difference: z.object({ difference: z.number(), interval: z.tuple([z.number(), z.number()]).nullable() }).optional(),
});

const documentSchema = z.object({
  benchmark: z.literal("builtin"),
  model: z.string(),
  device: z.string(),
  data: z.string(),
  questions: z.int(),
  pictures: z.int(),
  overall: scoreSchema,
  kinds: z.array(scoreSchema.extend({ kind: z.string() })),
});

/** What a report needs of score.json. */
export type ScoreDocument = z.infer<typeof documentSchema>;

/** Bytes; a score has a few kilobytes. */
const largestFile = 2 ** 24;

const expected = "the score.json of `fusion eval run --out`";

/**
 * Reads the score of a finished `fusion eval run --out FOLDER`.
 *
 * @throws RESULTS_INVALID when there is none, as while the run has not ended, or something else in its place
 */
export async function readScoreDocument(folder: string): Promise<ScoreDocument> {
  const path = join(folder, "score.json");
  const hint = "Give the folder of a run that has ended: fusion eval run … --out FOLDER.";
  const facts = await stat(path).catch(async (cause) => {
    if (!(await exists(join(folder, "predictions.jsonl")))) {
      throw reportError(path, expected, systemReason(cause), hint, cause);
    }
    const goOn = "Run the same fusion eval run again: it goes on where it was.";
    throw reportError(path, expected, "only the predictions of a run that has not ended", goOn, cause);
  });
  if (!facts.isFile()) throw reportError(path, expected, "no regular file", hint);
  if (facts.size > largestFile) throw reportError(path, expected, `${facts.size} bytes`, hint);
  const text = await readFile(path, "utf8").catch((cause) => {
    throw reportError(path, expected, systemReason(cause), hint, cause);
  });
  return parseScore(text, path);
}

function parseScore(text: string, path: string): ScoreDocument {
  const hint = "Score the model again: fusion eval run … --out FOLDER.";
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw reportError(path, expected, (cause as Error).message, hint, cause);
  }
  const { data, error } = documentSchema.safeParse(json);
  if (data) return data;
  const { path: key, message } = error.issues[0]!;
  throw reportError(path, expected, key.length > 0 ? `${key.join(".")}: ${message}` : message, hint);
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
