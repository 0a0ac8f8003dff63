import { trainFamilyTokenizer } from "./family-tokenizer.ts";
import { createTokenizer, type FusionTokenizer } from "./tokenizer.ts";
import type { AddedToken, TokenizerConfig, TokenizerJson } from "./tokenizer-json.ts";

export const trainingText = [
  "What is on the table? A red cup. And what colour is it? It is red.",
  "You are a helpful AI assistant. A chat between a curious user and an artificial intelligence assistant.",
  "The red cup is on the table, the blue table is under the cup.\nWhat colour is the table?\n",
  "First.\n\n\nSecond.\n\n\nThird.\n\n\n",
];

/** A byte-level tokenizer with the special tokens of Llama-3 (BOS) or Phi-3 (none). */
export function byteLevelTokenizer(template: "phi_3" | "llama_3" | "vicuna_v1" = "phi_3"): FusionTokenizer {
  const { tokenizerJson, tokenizerConfig } = trainFamilyTokenizer(trainingText, { template, vocabSize: 400 });
  return createTokenizer(tokenizerJson, tokenizerConfig);
}

/** SentencePiece turned into tokenizer.json, in the two ways in which checkpoints do it. */
export type SentencePieceStyle = "phi_3" | "llama_2";

/**
 * A tokenizer.json as SentencePiece vocabularies become: `▁` for spaces, bytes as fallback.
 *
 * `phi_3` puts `▁` before every stretch between added tokens and has chat tokens that swallow whitespace; `llama_2` puts it
 * before the text's first stretch only and adds a BOS. Its merges can spell `<s>`, which real ones must never reach.
 */
export function sentencePieceFiles(style: SentencePieceStyle): {
  tokenizerJson: TokenizerJson;
  tokenizerConfig: TokenizerConfig;
} {
  const bytes = Array.from({ length: 256 }, (_, b) => `<0x${b.toString(16).toUpperCase().padStart(2, "0")}>`);
  const letters = [...new Set(["▁", ...Array.from(trainingText.join("")).filter((char) => char > " "), ..."<>|s/_"])];
  const merges: [string, string][] = [];
  for (const word of ["▁red", "▁cup", "▁table", "▁the", "▁What", "▁is", "▁A", "▁USER", "▁ASSISTANT", "<s>", "lo"]) {
    const chars = Array.from(word);
    for (let i = 1; i < chars.length; i++) merges.push([chars.slice(0, i).join(""), chars[i] as string]);
  }
  const pieces = ["<unk>", "<s>", "</s>", ...bytes, ...letters, ...merges.map((pair) => pair.join(""))];
  const vocab = Object.fromEntries([...new Set([...pieces, ..."USERAITNWhtalo"])].map((piece, id) => [piece, id]));
  const next = Object.keys(vocab).length;
  const isPhi = style === "phi_3";
  const chat = isPhi ? ["<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>"] : [];
  const added = (content: string, id: number, rstrip: boolean): AddedToken => {
    return { id, content, special: true, lstrip: false, rstrip, normalized: false, single_word: false };
  };
  const space = { type: "Replace", pattern: { String: " " }, content: "▁" };
  const decoders = [
    { type: "Replace", pattern: { String: "▁" }, content: " " },
    { type: "ByteFallback" },
    { type: "Fuse" },
    { type: "Strip", content: " ", start: 1, stop: 0 },
  ];
  const bos = { SpecialToken: { id: "<s>", type_id: 0 } };
  const [first, second] = ["A", "B"].map((id) => ({ Sequence: { id, type_id: 0 } }));
  const bosProcessor = {
    type: "TemplateProcessing",
    single: [bos, first],
    pair: [bos, first, bos, second],
    special_tokens: { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] } },
  };
  return {
    tokenizerJson: {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: [
        ...["<unk>", "<s>", "</s>"].map((token, id) => added(token, id, false)),
        ...[...chat, "<vision_start>", "<vision_end>"].map((token, i) =>
          added(token, next + i, token.startsWith("<|")),
        ),
      ],
      normalizer: isPhi ? { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "▁" }, space] } : null,
      pre_tokenizer: isPhi ? null : { type: "Metaspace", replacement: "▁", prepend_scheme: "first", split: false },
      post_processor: isPhi ? null : bosProcessor,
      decoder: { type: "Sequence", decoders },
      model: {
        type: "BPE",
        dropout: null,
        unk_token: "<unk>",
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: true,
        byte_fallback: true,
        ignore_merges: false,
        vocab,
        merges,
      },
    },
    tokenizerConfig: {
      bos_token: "<s>",
      eos_token: isPhi ? "<|endoftext|>" : "</s>",
      pad_token: isPhi ? "<|endoftext|>" : "<unk>",
      add_bos_token: !isPhi,
    },
  };
}

export function sentencePieceTokenizer(style: SentencePieceStyle): FusionTokenizer {
  const { tokenizerJson, tokenizerConfig } = sentencePieceFiles(style);
  return createTokenizer(tokenizerJson, tokenizerConfig);
}
