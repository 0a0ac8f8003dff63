import { readFile, stat } from "node:fs/promises";
import { z } from "zod";
import { dataError, shownJson } from "./data-error.ts";

const recordSchema = z.object({
  id: z.union([z.string(), z.int()]).transform(String),
  image: z.string().min(1),
  /** Of each question, or of all. */
  kinds: z.array(z.string().min(1)).optional(),
  kind: z.string().min(1).optional(),
  conversations: z.array(z.object({ from: z.enum(["human", "gpt"]), value: z.string() })).min(2),
});

/** A record as the file has it. */
export type HeldoutRecord = z.infer<typeof recordSchema>;

/** What should stand under each key. */
const expectations: Readonly<Record<string, string>> = {
  id: "a text or a whole number",
  image: "the path of a picture",
  kinds: "a list of names",
  kind: "a name",
  conversations: "a list of at least a question and its answer",
  from: '"human" or "gpt"',
  value: "a text",
};

const recordHint =
  "Write { id, image, conversations: [{ from: human, value }, { from: gpt, value }, …] } as LLaVA does.";

/** The file is held in memory as a whole. */
const largestFile = 2 ** 29 - 1;

/**
 * Bytes of a file of questions.
 *
 * @throws DATASET_INVALID when it is absent, a folder, a pipe or a device, or too large
 */
export async function readHeldoutFile(file: string): Promise<Buffer> {
  const shown = file === "" ? '""' : file;
  const hint = `Make it with "fusion data synth --out FOLDER", or give the folder that holds it.`;
  const failed = (cause: NodeJS.ErrnoException): never => {
    const actual = cause.code === "ENOENT" ? "nothing at this path" : String(cause.code ?? cause);
    throw dataError(shown, "a file of questions", actual, hint, cause);
  };
  // Looked at before it is opened: opening a named pipe would wait for ever.
  const facts = await stat(file).catch(failed);
  if (!facts.isFile()) {
    throw dataError(shown, "a file of questions", facts.isDirectory() ? "a folder" : "a device, pipe or socket", hint);
  }
  if (facts.size > largestFile) {
    const most = `at most ${largestFile} bytes`;
    throw dataError(shown, most, `${facts.size}`, "Divide the questions among several files.");
  }
  return readFile(file).catch(failed);
}

/** The records of a file. Throws DATASET_INVALID naming the record, counted from 1, that is wrong. */
export function parseHeldoutRecords(bytes: Uint8Array, file: string): HeldoutRecord[] {
  const json = parseJson(utf8(bytes, file), file);
  if (!Array.isArray(json)) {
    const actual =
      json !== null && typeof json === "object" ? `an object with ${Object.keys(json).join(", ")}` : shownJson(json);
    throw dataError(file, "an array of records", actual, recordHint);
  }
  if (json.length === 0) {
    throw dataError(file, "at least one record", "an empty array", "Make the file again with more pictures.");
  }
  return json.map((value, index) => {
    const { data, error } = recordSchema.safeParse(value);
    if (data) return data;
    const { path } = error.issues[0]!;
    const place = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
    const at = `${file}: record ${index + 1}${place.replace(/^\./, ", ")}`;
    const name = path.findLast((key) => typeof key === "string");
    const isItem = typeof path.at(-1) === "number";
    const expected = name === undefined ? "an object" : isItem ? itemOf(String(name)) : expectations[String(name)]!;
    throw dataError(at, expected, shownJson(valueAt(value, path)), recordHint);
  });
}

function itemOf(list: string): string {
  return list === "kinds" ? "a name" : "{ from, value }";
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown>)[key], value);
}

function utf8(bytes: Uint8Array, file: string): string {
  const hint = "Save the file as UTF-8.";
  if (bytes[0] === 0 || bytes[1] === 0 || (bytes[0]! >= 0xfe && bytes[1]! >= 0xfe)) {
    throw dataError(file, "text in UTF-8", "UTF-16 text", hint);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    const before = new TextDecoder().decode(bytes).split("\ufffd")[0]!;
    const actual = `bytes that are not, in line ${before.split("\n").length} behind ${JSON.stringify(before.slice(-30))}`;
    throw dataError(file, "text in UTF-8", actual, hint, cause);
  }
}

function parseJson(text: string, file: string): unknown {
  if (text.trim() === "") {
    throw dataError(file, "an array of records", "an empty file", `Make it with "fusion data synth --out FOLDER".`);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const { message } = cause as Error;
    const [, position] = /at position (\d+)/.exec(message) ?? [];
    const line = position && ` in line ${text.slice(0, Number(position)).split("\n").length}`;
    const isLines = /^\s*\{/.test(text);
    const hint = isLines
      ? "Put the records into one array: [ … , … ]."
      : "Make the file again; it is damaged or was cut off.";
    throw dataError(file, "an array of records in JSON", `a mistake${line ?? ""} (${message})`, hint, cause);
  }
}
