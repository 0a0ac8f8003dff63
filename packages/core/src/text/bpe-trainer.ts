import { ByteLevelPreTokenizer } from "@huggingface/tokenizers";
import { FusionError } from "../errors/index.ts";
import { byteAlphabet } from "./byte-alphabet.ts";
import { PairCounts, type Word } from "./pair-counts.ts";
import type { AddedToken, TokenizerJson } from "./tokenizer-json.ts";

export interface BpeTrainingOptions {
  /** Most tokens that the vocabulary may have, special ones and the 256 bytes included. */
  readonly vocabSize: number;
  /** Get the first ids in this order: put the padding token first, so that it has id 0. */
  readonly specialTokens: readonly string[];
  /** One of `specialTokens` that is put in front of every encoded text. */
  readonly bosToken?: string;
}

/** GPT-2's pattern and byte alphabet; the same settings go into the file, so training and encoding cut alike. */
const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true } as const;

/** A pair seen once teaches nothing about the next text. */
const minimumCount = 2;

/**
 * Trains a byte-level BPE tokenizer: again and again the most frequent pair of neighbours becomes a token.
 *
 * Ids: special tokens, the 256 bytes, merges in the order in which they were learned. Equal counts go to the pair with
 * the lower ids, so equal corpora give equal files. The vocabulary stays smaller than `vocabSize` when no pair is left
 * that occurs twice. A special token's text in the corpus is text.
 *
 * @returns the contents of a `tokenizer.json`
 * @throws OPTION_INVALID when `vocabSize` has no room for bytes and special tokens, or these are empty or repeated
 */
export function trainBpe(
  corpus: Iterable<string>,
  { vocabSize, specialTokens, bosToken }: BpeTrainingOptions,
): TokenizerJson {
  checkOptions(vocabSize, specialTokens, bosToken);
  const tokens = [...specialTokens, ...[...byteAlphabet].sort()];
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const pairs = new PairCounts(countWords(corpus, ids), vocabSize);
  const merges: [string, string][] = [];
  const reserved = new Set(specialTokens);

  while (tokens.length < vocabSize) {
    const best = pairs.popBest(minimumCount);
    if (!best) break;
    const [left, right] = [tokens[best.left] as string, tokens[best.right] as string];
    const merged = left + right;
    if (reserved.has(merged)) continue; // plain text must not be able to spell a special token
    const id = ids.get(merged) ?? tokens.push(merged) - 1; // two ways to the same text share its token
    ids.set(merged, id);
    merges.push([left, right]);
    pairs.merge(best, id);
  }
  return toJson(specialTokens, ids, merges, bosToken);
}

/** Every distinct piece of the pre-tokeniser, as ids of bytes, with how often it occurs. */
function countWords(corpus: Iterable<string>, ids: ReadonlyMap<string, number>): Word[] {
  const preTokenizer = new ByteLevelPreTokenizer(byteLevel);
  const counts = new Map<string, number>();
  for (const text of corpus) {
    for (const word of preTokenizer.pre_tokenize(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].map(([word, count]) => ({ ids: Array.from(word, (char) => ids.get(char) as number), count }));
}

function toJson(
  specialTokens: readonly string[],
  ids: ReadonlyMap<string, number>,
  merges: [string, string][],
  bosToken: string | undefined,
): TokenizerJson {
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const added = specialTokens.map((content, id): AddedToken => ({ id, content, ...flags }));
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: bosToken === undefined ? null : bosProcessor(bosToken, specialTokens.indexOf(bosToken)),
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(ids),
      merges,
    },
  };
}

function bosProcessor(token: string, id: number): Record<string, unknown> {
  const special = { SpecialToken: { id: token, type_id: 0 } };
  const sequence = (name: string) => ({ Sequence: { id: name, type_id: 0 } });
  return {
    type: "TemplateProcessing",
    single: [special, sequence("A")],
    pair: [special, sequence("A"), special, sequence("B")],
    special_tokens: { [token]: { id: token, ids: [id], tokens: [token] } },
  };
}

function checkOptions(vocabSize: number, specialTokens: readonly string[], bosToken: string | undefined): void {
  const fail = (at: string, expected: string, actual: string, hint: string) => {
    throw new FusionError({ code: "OPTION_INVALID", at, expected, actual, hint });
  };
  const least = byteAlphabet.length + specialTokens.length;
  if (!Number.isInteger(vocabSize) || vocabSize < least || vocabSize > 2 ** 20) {
    const expected = `an integer from ${least} (256 bytes and ${specialTokens.length} special tokens) to ${2 ** 20}`;
    fail("vocabSize", expected, String(vocabSize), "Choose a vocabulary size in that range.");
  }
  const odd = specialTokens.find((token, i) => token.length < 2 || specialTokens.indexOf(token) !== i);
  if (odd !== undefined) {
    const expected = "different texts of at least two characters";
    fail("specialTokens", expected, JSON.stringify(odd), "Name each special token once.");
  }
  if (bosToken !== undefined && !specialTokens.includes(bosToken)) {
    fail("bosToken", "one of specialTokens", JSON.stringify(bosToken), "Add it to specialTokens.");
  }
}
