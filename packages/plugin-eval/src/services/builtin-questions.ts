import { createHash } from "node:crypto";
import { realpath, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { FusionError } from "@fusion-vlm/core";
import { dataError } from "./data-error.ts";
import { type HeldoutRecord, parseHeldoutRecords, readHeldoutFile } from "./heldout-records.ts";

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
  const isFolder = (await stat(data).catch(() => undefined))?.isDirectory() ?? false;
  const file = isFolder ? join(data, "heldout.json") : data;
  const bytes = await readHeldoutFile(file);
  const records = parseHeldoutRecords(bytes, file);
  const folder = dirname(file);
  const questions = records.flatMap((record, index) => questionsOf(record, `${file}: record ${index + 1}`, folder));
  refuseRepeats(questions, file);
  const chosen = questions.slice(0, limit);
  await requirePictures(chosen, await realpath(folder));
  return { file, fingerprint: createHash("sha256").update(bytes).digest("hex"), questions: chosen };
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

/** A missing picture is told before the first question, not after an hour. */
async function requirePictures(questions: readonly BuiltinQuestion[], folder: string): Promise<void> {
  const pictures = [...new Set(questions.map(({ image }) => image))];
  const missing: string[] = [];
  for (const picture of pictures) {
    const real = await realpath(picture).catch(() => undefined);
    if (real === undefined) {
      missing.push(picture);
      continue;
    }
    const hint = "Copy the picture itself there.";
    if (!isInside(folder, real)) throw dataError(picture, `a picture inside ${folder}`, "a link that leads out", hint);
    if (!(await stat(real)).isFile()) throw dataError(picture, "a picture file", "something else", hint);
  }
  if (missing.length === 0) return;
  throw new FusionError({
    code: "IMAGE_NOT_FOUND",
    at: missing[0]!,
    expected: "a picture",
    actual: missing.length === 1 ? "nothing" : `nothing, as for ${missing.length - 1} more of ${pictures.length}`,
    hint: "Copy the pictures to where the questions say they are, or make the data again.",
  });
}

function isInside(folder: string, path: string): boolean {
  const inside = relative(folder, path);
  return inside !== "" && inside !== ".." && !/^\.\.[\\/]/.test(inside) && !isAbsolute(inside);
}
