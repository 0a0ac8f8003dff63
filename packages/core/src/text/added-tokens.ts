import {
  type AddedToken,
  describe,
  isObject,
  isTokenId,
  parseAddedToken,
  type TokenizerConfig,
  type TokenizerJson,
  tokenizerError,
} from "./tokenizer-json.ts";

/** A stretch of text to encode. In a plain one no added token is recognised, whatever it spells. */
export interface TextPiece {
  readonly text: string;
  readonly plain?: boolean;
}

/** What lies between, and what is, an added token. */
export type Section = { readonly token: AddedToken } | { readonly text: string };

/**
 * The added tokens of a folder: those of `tokenizer.json`, overruled and completed by `added_tokens_decoder`.
 *
 * That order is the one of the Python library, which adds the configuration's tokens again when it loads a folder.
 *
 * @throws TOKENIZER_INVALID when two places give one token two ids, or one id to two tokens
 */
export function mergeAddedTokens(json: TokenizerJson, config: TokenizerConfig, at: string): AddedToken[] {
  const byContent = new Map<string, AddedToken>();
  const byId = new Map<number, string>(Object.entries(json.model.vocab).map(([token, id]) => [id, token]));
  const add = (token: AddedToken, where: string) => {
    const known = byContent.get(token.content)?.id ?? ownId(json.model.vocab, token.content);
    const owner = byId.get(token.id);
    const hint = "The tokenizer's files disagree; copy all of them from the same checkpoint.";
    if (known !== undefined && known !== token.id) {
      throw tokenizerError(where, `id ${known} for "${token.content}"`, `id ${token.id}`, hint);
    }
    if (owner !== undefined && owner !== token.content) {
      throw tokenizerError(where, `"${owner}" at id ${token.id}`, `"${token.content}"`, hint);
    }
    byContent.set(token.content, token);
    byId.set(token.id, token.content);
  };

  for (const token of json.added_tokens) add(token, `${at}: added_tokens`);
  const decoder = config.added_tokens_decoder ?? {};
  const configAt = `${at}: added_tokens_decoder of the configuration`;
  if (!isObject(decoder)) throw tokenizerError(configAt, "an object", describe(decoder), "Fix tokenizer_config.json.");
  for (const [key, value] of Object.entries(decoder)) {
    const id = /^\d+$/.test(key) ? Number(key) : undefined;
    if (!isTokenId(id))
      throw tokenizerError(configAt, "token ids as keys", describe(key), "Fix tokenizer_config.json.");
    add(parseAddedToken(value, id, `${configAt}[${key}]`), configAt);
  }
  return [...byContent.values()].sort((a, b) => a.id - b.id);
}

/**
 * Cuts text at the added tokens that stand in its trusted stretches: leftmost first, longest first.
 *
 * A match lies wholly in trusted text, so that nothing a user types can become or complete a token. Text between two
 * tokens stays one section, trusted or not: this is what makes the ids equal those of encoding the joined string.
 */
export class AddedTokenSplitter {
  readonly #byFirst = new Map<string, AddedToken[]>();

  constructor(tokens: readonly AddedToken[]) {
    for (const token of [...tokens].sort((a, b) => b.content.length - a.content.length)) {
      const first = token.content.charAt(0);
      this.#byFirst.set(first, [...(this.#byFirst.get(first) ?? []), token]);
    }
  }

  split(pieces: readonly TextPiece[]): Section[] {
    const sections: ({ token: AddedToken } | { text: string })[] = [];
    let text = "";
    const flush = () => {
      if (text) sections.push({ text });
      text = "";
    };
    for (const piece of joinTrusted(pieces)) {
      for (let i = 0; i < piece.text.length; ) {
        const token = piece.plain ? undefined : this.#match(piece.text, i);
        if (token) {
          flush();
          sections.push({ token });
          i += token.content.length;
        } else {
          const next = piece.plain ? piece.text.length : i + 1;
          text += piece.text.slice(i, next);
          i = next;
        }
      }
    }
    flush();
    return trimAround(sections);
  }

  #match(text: string, at: number): AddedToken | undefined {
    return this.#byFirst.get(text.charAt(at))?.find((token) => text.startsWith(token.content, at));
  }
}

/** Neighbouring trusted pieces are one text: where the caller cut it must not matter. */
function joinTrusted(pieces: readonly TextPiece[]): TextPiece[] {
  const joined: { text: string; plain: boolean }[] = [];
  for (const { text, plain = false } of pieces) {
    const last = joined.at(-1);
    if (last && last.plain === plain) last.text += text;
    else joined.push({ text, plain });
  }
  return joined;
}

function trimAround(sections: ({ token: AddedToken } | { text: string })[]): Section[] {
  for (const [i, section] of sections.entries()) {
    if (!("token" in section)) continue;
    const before = sections[i - 1];
    const after = sections[i + 1];
    if (section.token.lstrip && before && "text" in before) before.text = before.text.trimEnd();
    if (section.token.rstrip && after && "text" in after) after.text = after.text.trimStart();
  }
  return sections;
}

function ownId(vocab: Readonly<Record<string, number>>, token: string): number | undefined {
  return Object.hasOwn(vocab, token) ? vocab[token] : undefined;
}
