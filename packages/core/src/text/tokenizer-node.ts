import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readJsonFile } from "../files/index-node.ts";
import { createTokenizer, type FusionTokenizer } from "./tokenizer.ts";
import { isObject, type JsonObject, tokenizerError } from "./tokenizer-json.ts";

/** Bytes; tokenizer.json of the largest vocabularies takes 33 MB. */
const largestFile = 256 * 2 ** 20;

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
  const value = await readJsonFile(path, largestFile, ({ expected, actual, hint, cause }) =>
    tokenizerError(path, expected, actual, hint, cause),
  );
  if (isObject(value)) return value;
  throw tokenizerError(path, "a JSON object", "another JSON value", "Copy the file again from where it came from.");
}
