import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { dataError } from "./data-error.ts";
import { type HeldoutRecord, parseHeldoutRecords, readHeldoutFile } from "./heldout-records.ts";
import { isInside, requirePictures } from "./question-pictures.ts";

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

/**
 * Reads the questions of a held-out split, in the order of the file.
 *
 * @param data - folder with heldout.json, or a file of that form; pictures are beside it
 * @param limit - takes only so many questions, from the front
 * @throws DATASET_INVALID when the file is absent, malformed or empty, or names a picture outside its folder; IMAGE_NOT_FOUND
 */
export async function readBuiltinQuestions(data: string, limit = Number.POSITIVE_INFINITY): Promise<BuiltinQuestions> {
  const set = await readQuestionsFile(data, limit);
  await requirePictures(set.questions, dirname(set.file));
  return set;
}

/** {@link readBuiltinQuestions} without a look at the pictures, which may be gone. */
export async function readQuestionsFile(data: string, limit = Number.POSITIVE_INFINITY): Promise<BuiltinQuestions> {
  const isFolder = (await stat(data).catch(() => undefined))?.isDirectory() ?? false;
  const file = isFolder ? join(data, "heldout.json") : data;
  const bytes = await readHeldoutFile(file);
  const records = parseHeldoutRecords(bytes, file);
  const folder = dirname(file);
  const questions = records.flatMap((record, index) => questionsOf(record, `${file}: record ${index + 1}`, folder));
  refuseRepeats(questions, file);
  const fingerprint = createHash("sha256").update(bytes).digest("hex");
  return { file, fingerprint, questions: questions.slice(0, limit) };
}

function questionsOf(record: HeldoutRecord, at: string, folder: string): BuiltinQuestion[] {
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
  if (isInside(resolve(folder), path) && !isAbsolute(image) && !image.includes("\0")) return path;
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
