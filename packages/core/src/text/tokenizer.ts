import { Tokenizer } from "@huggingface/tokenizers";
import { FusionError, internalError } from "../errors/index.ts";
import { AddedTokenSplitter, mergeAddedTokens, type TextPiece } from "./added-tokens.ts";
import { createTextStream, type TextStream } from "./text-stream.ts";
import {
  type AddedToken,
  describe,
  isObject,
  parseTokenizerJson,
  type TokenizerConfig,
  tokenizerError,
} from "./tokenizer-json.ts";

export interface EncodeOptions {
  /** Put the beginning-of-sequence token in front, where this tokenizer adds one. Default false. */
  readonly bos?: boolean;
}

export interface DecodeOptions {
  /** Leave out tokens marked special. Default false. */
  readonly skipSpecial?: boolean;
}

/** Text to token ids and back. Everything in the SDK that needs a tokenizer takes this interface. */
export interface FusionTokenizer {
  /** Largest id plus one. Embedding tables may have more rows. */
  readonly vocabSize: number;
  readonly bosId: number | undefined;
  readonly eosIds: readonly number[];
  readonly padId: number | undefined;
  /** True where encoding a text puts the beginning-of-sequence token in front (Llama yes, Phi-3.5 no). */
  readonly addsBos: boolean;
  /** Encodes trusted text, in which added tokens are recognised, or a mixture with plain pieces. */
  encode(text: string | readonly TextPiece[], options?: EncodeOptions): number[];
  /** Encodes text of a user: `<|end|>`, `<image>` and the like are letters, never control tokens. */
  encodePlain(text: string, options?: EncodeOptions): number[];
  /** The exact text of the ids; an id without a token (a spare row of the embedding table) has none. */
  decode(ids: readonly number[], options?: DecodeOptions): string;
  /** The id of a token as the vocabulary spells it. */
  idOf(token: string): number | undefined;
  createTextStream(options?: DecodeOptions): TextStream;
}

/**
 * A tokenizer from the parsed contents of `tokenizer.json` and `tokenizer_config.json`.
 *
 * Ids equal those of the reference tokenizer for every text in which users spell no added token. Decoding never tidies
 * spaces: differs from official, whose `clean_up_tokenization_spaces` drops the space of " ." and cannot be streamed.
 *
 * @param options.at - where the contents came from, for errors
 * @throws TOKENIZER_INVALID naming the field that is wrong
 */
export function createTokenizer(
  tokenizerJson: unknown,
  tokenizerConfig: unknown = {},
  { at = "tokenizer.json" }: { at?: string } = {},
): FusionTokenizer {
  const json = parseTokenizerJson(tokenizerJson, at);
  if (!isObject(tokenizerConfig)) {
    throw tokenizerError(`${at}: configuration`, "an object", describe(tokenizerConfig), "Fix tokenizer_config.json.");
  }
  const addedTokens = mergeAddedTokens(json, tokenizerConfig, at);
  let engine: Tokenizer;
  try {
    engine = new Tokenizer({ ...json, added_tokens: addedTokens }, tokenizerConfig);
  } catch (cause) {
    const hint = "The tokenizer uses a component that @huggingface/tokenizers does not know.";
    throw tokenizerError(
      at,
      "supported components",
      cause instanceof Error ? cause.message : String(cause),
      hint,
      cause,
    );
  }
  return new BpeTokenizer(engine, addedTokens, tokenizerConfig, at);
}

/**
 * Cuts out added tokens itself and lets the library's components (normaliser, pre-tokeniser, merges, decoder) do the rest.
 *
 * The library's own `encode` recognises added tokens everywhere in a text, which would let users type control tokens.
 */
class BpeTokenizer implements FusionTokenizer {
  readonly vocabSize: number;
  readonly bosId: number | undefined;
  readonly eosIds: readonly number[];
  readonly padId: number | undefined;
  readonly addsBos: boolean;
  readonly #engine: Tokenizer;
  readonly #splitter: AddedTokenSplitter;
  readonly #added: ReadonlySet<string>;
  readonly #special: ReadonlySet<number>;
  readonly #at: string;

  constructor(engine: Tokenizer, added: readonly AddedToken[], config: TokenizerConfig, at: string) {
    this.#engine = engine;
    this.#splitter = new AddedTokenSplitter(added);
    this.#added = new Set(added.map((token) => token.content));
    this.#special = new Set(added.filter((token) => token.special).map((token) => token.id));
    this.#at = at;
    this.vocabSize = this.#model.vocab.length;

    const configured = (key: string) => this.#configuredIds(config[key], key);
    const automatic = this.#automaticBos();
    this.bosId = configured("bos_token")[0] ?? automatic;
    this.eosIds = configured("eos_token");
    this.padId = configured("pad_token")[0];
    this.addsBos = typeof config.add_bos_token === "boolean" ? config.add_bos_token : automatic !== undefined;
    if (this.addsBos && this.bosId === undefined) {
      throw tokenizerError(`${at}: bos_token`, "a token, as add_bos_token is true", "nothing", "Name it there.");
    }
  }

  get #model() {
    return this.#engine.model ?? fail("the library made no model");
  }

  encode(text: string | readonly TextPiece[], { bos = false }: EncodeOptions = {}): number[] {
    const sections = this.#splitter.split(typeof text === "string" ? [{ text }] : text);
    const ids = sections.flatMap((section, i) =>
      "token" in section ? [section.token.id] : this.#encodeSection(section.text, i),
    );
    return bos && this.addsBos && this.bosId !== undefined ? [this.bosId, ...ids] : ids;
  }

  encodePlain(text: string, options?: EncodeOptions): number[] {
    return this.encode([{ text, plain: true }], options);
  }

  decode(ids: readonly number[], { skipSpecial = false }: DecodeOptions = {}): string {
    return this.#decodeKept(ids.filter((id) => this.#hasText(id, skipSpecial)));
  }

  idOf(token: string): number | undefined {
    return this.#engine.token_to_id(token);
  }

  createTextStream({ skipSpecial = false }: DecodeOptions = {}): TextStream {
    return createTextStream(
      (ids) => this.#decodeKept(ids),
      (id) => this.#hasText(id, skipSpecial),
    );
  }

  #encodeSection(text: string, index: number): number[] {
    if (text === "") return [];
    const normalized = this.#engine.normalizer?.normalize(text) ?? text;
    if (normalized === "") return [];
    const words = this.#engine.pre_tokenizer?.pre_tokenize(normalized, { section_index: index } as never) ?? [
      normalized,
    ];
    return this.#mergeWords(words).map((token) => this.#idOrUnknown(token));
  }

  /** Merges never make an added token, unless a vocabulary was built so: then the word is cut inside that token. */
  #mergeWords(words: string[]): string[] {
    const tokens = this.#model._call(words);
    const spelled = tokens.filter((token) => this.#added.has(token) && words.some((word) => word.includes(token)));
    if (spelled.length === 0) return tokens;
    return words.flatMap((word) => {
      const token = this.#model._call([word]).find((part) => this.#added.has(part) && word.includes(part));
      if (token === undefined) return this.#model._call([word]);
      const cut = word.indexOf(token) + String.fromCodePoint(token.codePointAt(0) ?? 0).length;
      const parts = [word.slice(0, cut), word.slice(cut)].filter((part) => part !== "");
      return parts.length < 2 ? this.#model._call([word]) : parts.flatMap((part) => this.#mergeWords([part]));
    });
  }

  #idOrUnknown(token: string): number {
    const id = this.#engine.token_to_id(token) ?? this.#model.unk_token_id;
    if (id !== undefined) return id;
    const hint = "Its vocabulary lacks a token and names no unknown token; take the tokenizer of the model's source.";
    throw tokenizerError(`${this.#at}: model.vocab`, `a token for ${describe(token)}`, "nothing", hint);
  }

  #decodeKept(ids: readonly number[]): string {
    if (ids.length === 0) return "";
    return this.#engine.decode([...ids], { clean_up_tokenization_spaces: false });
  }

  #hasText(id: number, skipSpecial: boolean): boolean {
    if (!Number.isInteger(id) || id < 0) {
      const hint = "Pass token ids: integers from 0.";
      throw new FusionError({
        code: "OPTION_INVALID",
        at: "token id",
        expected: "an integer ≥ 0",
        actual: `${id}`,
        hint,
      });
    }
    return this.#model.vocab[id] !== undefined && !(skipSpecial && this.#special.has(id));
  }

  /** The token that the post-processor puts in front of a text. */
  #automaticBos(): number | undefined {
    const marker = "\0";
    const tokens = this.#engine.post_processor?.post_process([marker], null, true).tokens ?? [marker];
    const before = tokens.slice(0, tokens.indexOf(marker));
    if (before.length > 1) {
      const hint = "Only a beginning-of-sequence token is supported there.";
      throw tokenizerError(`${this.#at}: post_processor`, "at most one token in front", `${before.length}`, hint);
    }
    return before[0] === undefined ? undefined : this.#configuredIds(before[0], "post_processor")[0];
  }

  #configuredIds(value: unknown, key: string): number[] {
    if (value === undefined || value === null) return [];
    const values = Array.isArray(value) ? value : [value];
    return values.map((entry: unknown) => {
      const content = isObject(entry) ? entry.content : entry;
      const id = typeof content === "string" ? this.idOf(content) : undefined;
      if (id !== undefined) return id;
      const hint = "The tokenizer's files disagree; copy all of them from the same checkpoint.";
      throw tokenizerError(`${this.#at}: ${key}`, "a token of the vocabulary", describe(content), hint);
    });
  }
}

function fail(message: string): never {
  throw internalError("tokenizer", message);
}
