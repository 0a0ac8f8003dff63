import { trainBpe } from "./bpe-trainer.ts";
import type { TemplateName } from "./chat-template.ts";
import { familySpecialTokens } from "./control-tokens.ts";
import type { TokenizerConfig, TokenizerJson } from "./tokenizer-json.ts";

/** The contents of the two files of a tokenizer. */
export interface TokenizerFiles {
  readonly tokenizerJson: TokenizerJson;
  readonly tokenizerConfig: TokenizerConfig;
}

/**
 * Trains a tokenizer with all special tokens of a model family; `<pad>` has id 0.
 *
 * @throws OPTION_INVALID as {@link trainBpe}
 */
export function trainFamilyTokenizer(
  corpus: Iterable<string>,
  { template, vocabSize }: { template: TemplateName; vocabSize: number },
): TokenizerFiles {
  const { pad, bos, eos, addsBos, all } = familySpecialTokens(template);
  const tokenizerJson = trainBpe(corpus, { vocabSize, specialTokens: all, ...(addsBos && { bosToken: bos }) });
  const decoder = tokenizerJson.added_tokens.map(({ id, ...token }) => [String(id), token]);
  return {
    tokenizerJson,
    tokenizerConfig: {
      tokenizer_class: "PreTrainedTokenizerFast",
      bos_token: bos,
      eos_token: eos,
      pad_token: pad,
      add_bos_token: addsBos,
      clean_up_tokenization_spaces: false,
      added_tokens_decoder: Object.fromEntries(decoder),
    },
  };
}
