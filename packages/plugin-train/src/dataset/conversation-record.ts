import type { Turn } from "@fusion-vlm/core";
import { datasetError } from "./dataset-error.ts";

/** A record of LLaVA-style data: a picture or none, and questions with their answers. */
export interface ConversationRecord {
  /** As in the file; absent where there is none. */
  readonly id?: string;
  /** Path below the image folder; absent for a text-only sample. */
  readonly image?: string;
  readonly turns: readonly (Turn & { readonly answer: string })[];
}

const placeholder = /<image>\n?/g;

/**
 * Reads `{ id, image?, conversations: [{ from: "human" | "gpt", value }] }`; further keys are left alone.
 *
 * `<image>` in a human text marks where LLaVA puts the picture; FUSION's template has its own place for it, so it is
 * taken out.
 *
 * @param at - file and record, for messages
 * @throws for JSON that cannot be read, and for a conversation that is not question, answer, question, answer, …
 */
export function parseConversation(bytes: Uint8Array, at: string): ConversationRecord {
  const json = parseJson(bytes, at);
  const { id, image, conversations } = json;
  if (image !== undefined && image !== null) requirePath(image, at);
  if (!Array.isArray(conversations) || conversations.length === 0) {
    const hint = "Give conversations: [{ from: human, value }, { from: gpt, value }, …] in each record.";
    const actual = conversations === undefined ? `none beside ${Object.keys(json).join(", ")}` : shown(conversations);
    throw datasetError({ at: `${at}, conversations`, expected: "a list of turns", actual, hint });
  }
  const hasImage = typeof image === "string";
  const turns = [];
  for (let i = 0; i < conversations.length; i += 2) {
    const question = message(conversations[i], "human", i, at).replace(placeholder, "").trim();
    const answer = message(conversations[i + 1], "gpt", i + 1, at).trim();
    if (question === "" || answer === "") {
      const place = `conversations[${question === "" ? i : i + 1}]`;
      throw wrong(at, place, question === "" ? "a question" : "an answer", "", "Write it, or remove the turn.");
    }
    turns.push({ question, answer });
  }
  if (!hasImage && conversations.some((turn, i) => i % 2 === 0 && turn.value.includes("<image>"))) {
    const hint = "Name the picture under image, or remove the <image> placeholder.";
    throw wrong(at, "image", "a picture, which the text asks for by <image>", undefined, hint);
  }
  return { ...(id !== undefined && { id: String(id) }), ...(hasImage && { image }), turns };
}

function requirePath(image: unknown, at: string): void {
  if (typeof image !== "string" || image === "" || image.includes("\0")) {
    throw wrong(at, "image", "the path of one picture", image, "Give one picture, or leave the key out.");
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(image)) {
    throw wrong(at, "image", "the path of a picture", image, "Nothing is fetched: download the pictures first.");
  }
}

function parseJson(bytes: Uint8Array, at: string): Record<string, unknown> {
  const text = utf8(bytes, at);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    const isOpen = text.trim() === "{"; // the first line of an object that is laid out over several
    const actual = isOpen ? "{ alone" : `a mistake in it (${(cause as Error).message})`;
    throw datasetError({ at, expected: isOpen ? "a whole record" : "JSON", actual, hint: jsonHint, cause });
  }
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  throw datasetError({ at, expected: "an object", actual: shown(json), hint: jsonHint });
}

const jsonHint = "Repair this record, or remove it; a file is an array of records, or has each on one line.";

function utf8(bytes: Uint8Array, at: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    const before = new TextDecoder().decode(bytes).split("\ufffd")[0]!.slice(-30);
    const actual = `bytes that are not, behind ${JSON.stringify(before)}`;
    throw datasetError({ at, expected: "text in UTF-8", actual, hint: "Save the file as UTF-8.", cause });
  }
}

function message(turn: unknown, from: "human" | "gpt", index: number, at: string): string {
  const place = `conversations[${index}]`;
  const hint = "A conversation is question, answer, question, answer: human, gpt, human, gpt.";
  if (turn === undefined) throw wrong(at, place, `a turn from ${from}`, undefined, hint);
  if (typeof turn !== "object" || turn === null) throw wrong(at, place, "{ from, value }", turn, hint);
  const { from: who, value } = turn as { from?: unknown; value?: unknown };
  if (who !== from) throw wrong(at, `${place}.from`, `"${from}"`, who, hint);
  if (typeof value !== "string") throw wrong(at, `${place}.value`, "a text", value, hint);
  return value;
}

function wrong(at: string, key: string, expected: string, actual: unknown, hint: string) {
  return datasetError({ at: `${at}, ${key}`, expected, actual: shown(actual), hint });
}

function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
