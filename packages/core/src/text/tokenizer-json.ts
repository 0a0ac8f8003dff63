import { FusionError } from "../errors/index.ts";

/** A token outside the merges of the model: control tokens and what training added to the vocabulary. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Left out of decoded text on request. */
  readonly special: boolean;
  /** Swallows the whitespace in front of it. */
  readonly lstrip: boolean;
  /** Swallows the whitespace behind it (Phi-3's chat tokens do). */
  readonly rstrip: boolean;
  readonly normalized: boolean;
  readonly single_word: boolean;
}

type Component = Readonly<Record<string, unknown>> | null;

/** The parts of a `tokenizer.json` that the SDK reads or writes; the rest is passed through. */
export interface TokenizerJson {
  readonly version: string;
  readonly truncation: null;
  readonly padding: null;
  readonly added_tokens: readonly AddedToken[];
  readonly normalizer: Component;
  readonly pre_tokenizer: Component;
  readonly post_processor: Component;
  readonly decoder: Component;
  readonly model: {
    readonly type: "BPE";
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: readonly (string | readonly [string, string])[];
    readonly [setting: string]: unknown;
  };
}

/** `tokenizer_config.json`, as far as it is read. Token values are strings or `{content}` objects. */
export type TokenizerConfig = Readonly<Record<string, unknown>>;

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The error for everything that is wrong with a tokenizer's files. */
export function tokenizerError(at: string, expected: string, actual: string, hint: string, cause?: unknown) {
  return new FusionError({ code: "TOKENIZER_INVALID", at, expected, actual, hint, cause });
}

const copyHint = "Copy tokenizer.json from the model's source again; it must be one of a BPE tokenizer.";

/**
 * Checks that `json` is a BPE tokenizer and fills in the defaults that the format leaves out.
 *
 * @param at - where the value came from, for errors
 * @throws TOKENIZER_INVALID naming the field
 */
export function parseTokenizerJson(json: unknown, at: string): TokenizerJson {
  if (!isObject(json)) throw tokenizerError(at, "an object", describe(json), copyHint);
  const model = json.model;
  if (!isObject(model)) throw tokenizerError(`${at}: model`, "an object", describe(model), copyHint);
  const isBpe = model.type === "BPE" || (model.type === undefined && "merges" in model);
  if (!isBpe) {
    const hint = "FUSION's language models use BPE tokenizers; other kinds are not supported.";
    throw tokenizerError(`${at}: model.type`, '"BPE"', describe(model.type), hint);
  }
  if (model.end_of_word_suffix) {
    const hint = "Tokenizers with an end-of-word suffix (CLIP's) are not supported as language tokenizers.";
    throw tokenizerError(`${at}: model.end_of_word_suffix`, "null", describe(model.end_of_word_suffix), hint);
  }
  checkVocab(model.vocab, at);
  checkMerges(model.merges, at);
  const added = json.added_tokens ?? [];
  if (!Array.isArray(added)) throw tokenizerError(`${at}: added_tokens`, "an array", describe(added), copyHint);
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added.map((token, i) => parseAddedToken(token, undefined, `${at}: added_tokens[${i}]`)),
    normalizer: component(json, "normalizer", at),
    pre_tokenizer: component(json, "pre_tokenizer", at),
    post_processor: component(json, "post_processor", at),
    decoder: component(json, "decoder", at),
    model: { ...model, type: "BPE" } as TokenizerJson["model"],
  };
}

/** Reads one added token; `id` is given where the format keeps it outside (`added_tokens_decoder`). */
export function parseAddedToken(value: unknown, id: number | undefined, at: string): AddedToken {
  const token = isObject(value) ? value : { content: value };
  const number = id ?? token.id;
  if (typeof token.content !== "string" || token.content === "") {
    throw tokenizerError(`${at}: content`, "a non-empty string", describe(token.content), copyHint);
  }
  if (!isTokenId(number)) throw tokenizerError(`${at}: id`, "a token id", describe(number), copyHint);
  const special = token.special === true;
  return {
    id: number,
    content: token.content,
    special,
    lstrip: token.lstrip === true,
    rstrip: token.rstrip === true,
    normalized: typeof token.normalized === "boolean" ? token.normalized : !special,
    single_word: token.single_word === true,
  };
}

export function isTokenId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 24;
}

/** A short description of a JSON value for error messages. */
export function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "an array";
  if (isObject(value)) return "an object";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function checkVocab(vocab: unknown, at: string): void {
  if (!isObject(vocab) || Object.keys(vocab).length === 0) {
    throw tokenizerError(`${at}: model.vocab`, "an object of token ids", describe(vocab), copyHint);
  }
  const owners = new Map<number, string>();
  for (const [token, id] of Object.entries(vocab)) {
    const where = `${at}: model.vocab[${JSON.stringify(token)}]`;
    if (!isTokenId(id)) throw tokenizerError(where, "a token id", describe(id), copyHint);
    const owner = owners.get(id);
    if (owner !== undefined) throw tokenizerError(where, "an id of its own", `${id}, the id of "${owner}"`, copyHint);
    owners.set(id, token);
  }
}

function checkMerges(merges: unknown, at: string): void {
  if (!Array.isArray(merges)) throw tokenizerError(`${at}: model.merges`, "an array", describe(merges), copyHint);
  for (const [i, merge] of merges.entries()) {
    const pair: unknown = typeof merge === "string" ? merge.split(" ") : merge;
    const isPair = Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === "string");
    if (!isPair || typeof merge !== typeof merges[0]) {
      throw tokenizerError(`${at}: model.merges[${i}]`, "a pair of tokens", describe(merge), copyHint);
    }
  }
}

function component(json: JsonObject, key: string, at: string): Component {
  const value = json[key] ?? null;
  if (value !== null && !isObject(value)) throw tokenizerError(`${at}: ${key}`, "an object", describe(value), copyHint);
  return value;
}
