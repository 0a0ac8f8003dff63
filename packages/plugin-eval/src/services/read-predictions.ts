import { join } from "node:path";
import type { z } from "zod";
import { jsonLines } from "./json-lines.ts";
import { headerSchema, type Prediction, type PredictionsHeader, predictionSchema } from "./predictions-file.ts";
import { reportError } from "./report-error.ts";

const what = "the predictions of `fusion eval run --out`";
const hint = "Score the model again with --restart, or give another folder.";

export interface PredictionsReader {
  /** Called with the first line; the others wait for it. */
  readonly onHeader?: (header: PredictionsHeader) => Promise<void>;
  /** Called for each, in the order of the file. */
  readonly onPrediction: (prediction: Prediction) => void;
  readonly signal?: AbortSignal;
}

/**
 * Reads the predictions of a folder of scores, one line in memory at a time.
 *
 * @returns the header, and whether the last line was cut off, which is left out then
 * @throws RESULTS_INVALID when there are none, or a line in the middle is damaged
 */
export async function readPredictions(
  folder: string,
  { onHeader, onPrediction, signal }: PredictionsReader,
): Promise<{ header: PredictionsHeader; cut: boolean }> {
  const path = join(folder, "predictions.jsonl");
  let header: PredictionsHeader | undefined;
  let cut = false;
  const onCut = () => {
    cut = true;
  };
  for await (const { number, value } of jsonLines(path, { what, hint, onCut, signal })) {
    const at = `${path}: line ${number}`;
    if (header) {
      onPrediction(checked(predictionSchema, value, at, "a prediction"));
      continue;
    }
    header = checked(headerSchema, value, at, "the header of predictions");
    await onHeader?.(header);
  }
  if (!header) throw reportError(path, what, cut ? "a header that was cut off" : "an empty file", hint);
  return { header, cut };
}

/** Tells the questions of a run apart. */
export function questionKey({ id, turn }: Pick<Prediction, "id" | "turn">): string {
  return JSON.stringify([id, turn]);
}

function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  at: string,
  expected: string,
): z.infer<Schema> {
  const { data, error } = schema.safeParse(value);
  if (error === undefined) return data as z.infer<Schema>;
  throw reportError(at, expected, JSON.stringify(value).slice(0, 60), hint);
}
