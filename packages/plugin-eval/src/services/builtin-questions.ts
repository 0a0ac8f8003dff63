import { createHash } from "node:crypto";
import { access, readFile, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { FusionError } from "@fusion-vlm/core";
import { z } from "zod";

/** A question about a picture, with its only right answer. */
export interface BuiltinQuestion {
  /** Of the record. */
  readonly id: string;
  /** Which of the record's questions, from 0. */
  readonly turn: number;
  readonly kind: string;
  /** Path of the picture. */
  readonly image: string;
  readonly question: string;
  readonly expected: string;
}

export interface BuiltinQuestions {
  readonly file: string;
  /** SHA-256 (hex) of the file. */
  readonly fingerprint: string;
  readonly questions: readonly BuiltinQuestion[];
}

/** Kind of questions whose record names none. */
const noKind = "question";

const recordSchema = z.object({
  id: z.union([z.string(), z.int()]).transform(String),
  image: z.string().min(1),
  /** Of each question, or of all. */
  kinds: z.array(z.string().min(1)).optional(),
  kind: z.string().min(1).optional(),
  conversations: z.array(z.object({ from: z.enum(["human", "gpt"]), value: z.string() })).min(2),
});

type DataRecord = z.infer<typeof recordSchema>;

/**
 * Reads the questions of a held-out split, in the order of the file.
 *
 * @param data - folder with heldout.json, or a file of that form; pictures are beside it
 * @param limit - takes only so many questions, from the front
 * @throws OPTION_INVALID when the file is absent, malformed or empty, or names a picture outside its folder; IMAGE_NOT_FOUND
 */
export async function readBuiltinQuestions(data: string, limit = Number.POSITIVE_INFINITY): Promise<BuiltinQuestions> {
  const isFolder = (await stat(data).catch(() => undefined))?.isDirectory() ?? false;
  const file = isFolder ? join(data, "heldout.json") : data;
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    const hint = `Make it with "fusion data synth --out FOLDER", or give the folder that holds it.`;
    throw dataError(file, "a readable file of questions", cause.code ?? String(cause), hint, cause);
  });
  const records = parseRecords(bytes.toString("utf8"), file);
  const questions = records.flatMap((record, index) => questionsOf(record, `${file}: record ${index}`, dirname(file)));
  refuseRepeats(questions, file);
  const chosen = questions.slice(0, limit);
  await requirePictures(chosen);
  return { file, fingerprint: createHash("sha256").update(bytes).digest("hex"), questions: chosen };
}

function parseRecords(text: string, file: string): DataRecord[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    const hint = "Make the file again; it is damaged or was cut off.";
    throw dataError(file, "JSON", (cause as Error).message, hint, cause);
  }
  const hint = "Write an array of records { id, image, conversations } as LLaVA has them.";
  if (!Array.isArray(json)) throw dataError(file, "an array of records", typeof json, hint);
  if (json.length === 0)
    throw dataError(file, "at least one record", "none", "Make the file again with more pictures.");
  return json.map((value, index) => {
    const { data, error } = recordSchema.safeParse(value);
    if (data) return data;
    const { path, message } = error.issues[0]!;
    throw dataError(`${file}: record ${index}`, "{ id, image, conversations }", `${path.join(".")}: ${message}`, hint);
  });
}

function questionsOf(record: DataRecord, at: string, folder: string): BuiltinQuestion[] {
  const { id, kinds, kind = noKind, conversations } = record;
  const image = pictureWithin(folder, record.image, at);
  const count = conversations.length / 2;
  const alternating = conversations.every(({ from }, index) => from === (index % 2 === 0 ? "human" : "gpt"));
  if (!alternating || !Number.isInteger(count)) {
    const senders = conversations.map(({ from }) => from).join(", ");
    throw dataError(at, "human and gpt in turn", senders, "Give every question its answer.");
  }
  if (kinds && kinds.length !== count) {
    throw dataError(at, `${count} kinds, one for each question`, `${kinds.length}`, "Correct the record's `kinds`.");
  }
  return Array.from({ length: count }, (_, turn) => {
    // The marker says where the picture goes in training; asking puts it there itself.
    const question = conversations[2 * turn]!.value.replaceAll("<image>", "").trim();
    const expected = conversations[2 * turn + 1]!.value.trim();
    if (question === "" || expected === "") {
      const what = question === "" ? "a question" : "an answer";
      throw dataError(`${at}, turn ${turn}`, what, "a blank one", "Write it, or remove the turn.");
    }
    return { id, turn, kind: kinds?.[turn] ?? kind, image, question, expected };
  });
}

/** Data sets are downloaded: their paths stay inside their folder. */
function pictureWithin(folder: string, image: string, at: string): string {
  const path = resolve(folder, image);
  const inside = relative(resolve(folder), path);
  if (!inside.startsWith("..") && !isAbsolute(inside) && !isAbsolute(image)) return path;
  throw dataError(
    at,
    "a picture inside the folder of the file",
    image,
    "Copy the picture there and use a relative path.",
  );
}

function refuseRepeats(questions: readonly BuiltinQuestion[], file: string): void {
  const seen = new Set<string>();
  for (const { id, turn } of questions) {
    const key = JSON.stringify([id, turn]);
    if (seen.has(key)) throw dataError(file, "an id of its own for each record", `${id} twice`, "Rename one of them.");
    seen.add(key);
  }
}

/** A missing picture is told before the first question, not after an hour. */
async function requirePictures(questions: readonly BuiltinQuestion[]): Promise<void> {
  const pictures = [...new Set(questions.map(({ image }) => image))];
  const missing: string[] = [];
  for (const picture of pictures) await access(picture).catch(() => missing.push(picture));
  if (missing.length === 0) return;
  throw new FusionError({
    code: "IMAGE_NOT_FOUND",
    at: missing[0]!,
    expected: "a picture",
    actual: missing.length === 1 ? "nothing" : `nothing, as for ${missing.length - 1} more of ${pictures.length}`,
    hint: "Copy the pictures to where the questions say they are, or make the data again.",
  });
}

function dataError(at: string, expected: string, actual: string, hint: string, cause?: unknown): FusionError {
  return new FusionError({ code: "OPTION_INVALID", at, expected, actual, hint, cause });
}
