import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createTokenizer, type FusionTokenizer } from "./tokenizer.ts";
import { isObject, type JsonObject, tokenizerError } from "./tokenizer-json.ts";

/**
 * The tokenizer of a model folder: `tokenizer.json`, and where they exist `tokenizer_config.json`,
 * `special_tokens_map.json` and `added_tokens.json`.
 *
 * `tokenizer_config.json` wins over the two older files, which only fill in what it lacks.
 *
 * @throws TOKENIZER_INVALID naming the file, for files that are missing, cut off, not UTF-8, not JSON or not a BPE tokenizer
 */
export async function loadTokenizer(folder: string): Promise<FusionTokenizer> {
  const names = await listFolder(folder);
  const path = join(folder, "tokenizer.json");
  if (!names.has("tokenizer.json")) {
    const onlyPieces = names.has("tokenizer.model");
    const hint = onlyPieces
      ? "Make tokenizer.json from it once: AutoTokenizer.from_pretrained(folder, use_fast=True).save_pretrained(folder) in Python."
      : "Copy tokenizer.json from the model's source into the folder.";
    throw tokenizerError(path, "a file", onlyPieces ? "only tokenizer.model (SentencePiece)" : "nothing", hint);
  }
  const read = async (name: string): Promise<JsonObject> => (names.has(name) ? readJsonObject(join(folder, name)) : {});
  const [json, config, specialTokens, addedTokens] = await Promise.all([
    read("tokenizer.json"),
    read("tokenizer_config.json"),
    read("special_tokens_map.json"),
    read("added_tokens.json"),
  ]);
  const older = Object.entries(addedTokens).map(([content, id]) => [String(id), { content, special: true }]);
  const decoder = isObject(config.added_tokens_decoder) ? config.added_tokens_decoder : {};
  const known = knownTokens(json, decoder);
  const missing = older.filter(([, token]) => !known.has((token as { content: string }).content));
  return createTokenizer(
    json,
    { ...specialTokens, ...config, added_tokens_decoder: { ...decoder, ...Object.fromEntries(missing) } },
    { at: path },
  );
}

/** `added_tokens.json` has ids without flags, so it only speaks for tokens that no other file describes. */
function knownTokens(json: JsonObject, decoder: JsonObject): Set<unknown> {
  const listed = Array.isArray(json.added_tokens) ? json.added_tokens : [];
  return new Set([...listed, ...Object.values(decoder)].map((token) => (isObject(token) ? token.content : undefined)));
}

async function listFolder(folder: string): Promise<Set<string>> {
  try {
    return new Set(await readdir(folder));
  } catch (cause) {
    const reason = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw tokenizerError(
      folder,
      "a model folder",
      reason,
      "Give the path of a folder that holds tokenizer.json.",
      cause,
    );
  }
}

async function readJsonObject(path: string): Promise<JsonObject> {
  const hint = "Copy the file from the model's source again.";
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw tokenizerError(path, "a readable file", String(cause), "Check the file's kind and permissions.", cause);
  });
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw tokenizerError(path, "UTF-8 text", "bytes that are not UTF-8", hint, cause);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw tokenizerError(path, "JSON", notJson(text), hint, cause);
  }
  if (!isObject(value)) throw tokenizerError(path, "a JSON object", "another JSON value", hint);
  return value;
}

function notJson(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") return "an empty file";
  if (trimmed.startsWith("version https://git-lfs")) return "a Git LFS pointer, not the file itself";
  return trimmed.startsWith("{") && !trimmed.endsWith("}") ? "a file that is cut off" : "text that is not JSON";
}
