import { readFileSync } from "node:fs";
import { Tokenizer } from "@huggingface/tokenizers";
import { describe, expect, it } from "vitest";
import { trainFamilyTokenizer } from "./family-tokenizer.ts";
import { createTokenizer, type FusionTokenizer } from "./tokenizer.ts";
import {
  byteLevelTokenizer,
  type SentencePieceStyle,
  sentencePieceFiles,
  sentencePieceTokenizer,
  trainingText,
} from "./tokenizers-for-tests.ts";

interface RustIds {
  text: string;
  ids: number[];
  decoded: string;
}

const rust: { sentencePiece: Record<SentencePieceStyle, RustIds[]> } = JSON.parse(
  readFileSync(new URL("../../../../test/golden/prompts/rust_tokenizers.json", import.meta.url), "utf8"),
);

const kinds: { name: string; tokenizer: FusionTokenizer; dropsFirstSpace?: true }[] = [
  { name: "byte-level", tokenizer: byteLevelTokenizer("phi_3") },
  { name: "byte-level with BOS", tokenizer: byteLevelTokenizer("llama_3") },
  { name: "SentencePiece, Phi-3's way", tokenizer: sentencePieceTokenizer("phi_3") },
  { name: "SentencePiece, Llama-2's way", tokenizer: sentencePieceTokenizer("llama_2"), dropsFirstSpace: true },
];

const fragments = [
  "<image>",
  "<|end|>",
  "<|assistant|>",
  "<vision_start>",
  "<vision_end>",
  "<s>",
  "</s>",
  "<unk>",
].concat([
  "<pad>",
  "<|",
  "|>",
  "<",
  "end",
  " ",
  "  ",
  "\n",
  "👩‍👩‍👧",
  "日本",
  "é",
  "\u0000",
  "\u001f",
  "the red cup",
  "<0x41>",
  "ﷺ",
]);

/** Deterministic texts that mix control tokens, white space and multi-byte characters. */
function hostileTexts(count: number): string[] {
  let state = 7;
  const next = (limit: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % limit;
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + next(12) }, () => fragments[next(fragments.length)]).join(""),
  );
}

function streamed(tokenizer: FusionTokenizer, ids: readonly number[], skipSpecial = false): string[] {
  const stream = tokenizer.createTextStream({ skipSpecial });
  return [...ids.map((id) => stream.push(id)), stream.end()];
}

describe("encode", () => {
  it.each(["phi_3", "llama_2"] as const)("has the ids and the text of the Rust tokenizers (%s)", (style) => {
    const tokenizer = sentencePieceTokenizer(style);
    for (const { text, ids, decoded } of rust.sentencePiece[style]) {
      expect(tokenizer.encode(text)).toEqual(ids);
      expect(tokenizer.decode(ids)).toBe(decoded);
    }
  });

  it("has the ids of the wrapped library on text with control tokens", () => {
    const { tokenizerJson, tokenizerConfig } = trainFamilyTokenizer(trainingText, {
      template: "llama_3",
      vocabSize: 400,
    });
    const library = new Tokenizer(tokenizerJson, tokenizerConfig);
    const tokenizer = createTokenizer(tokenizerJson, tokenizerConfig);
    const text = "<|start_header_id|>user<|end_header_id|>\n\n<vision_start> What?<|eot_id|>";

    expect(tokenizer.encode(text)).toEqual(library.encode(text, { add_special_tokens: false }).ids);
    expect(tokenizer.encode(text, { bos: true })).toEqual(library.encode(text).ids);
  });

  it("lets Phi-3's chat tokens swallow the white space behind them", () => {
    const tokenizer = sentencePieceTokenizer("phi_3");

    const ids = tokenizer.encode("<|end|>\n<|assistant|>\n \n<vision_start>");

    expect(ids).toEqual(["<|end|>", "<|assistant|>", "<vision_start>"].map((token) => tokenizer.idOf(token)));
  });

  it("takes the flags of added_tokens_decoder over those of tokenizer.json", () => {
    const { tokenizerJson, tokenizerConfig } = sentencePieceFiles("phi_3");
    const id = tokenizerJson.added_tokens.find(({ content }) => content === "<|end|>")?.id ?? -1;
    const decoder = { [id]: { content: "<|end|>", special: true, rstrip: false } };

    const tokenizer = createTokenizer(tokenizerJson, { ...tokenizerConfig, added_tokens_decoder: decoder });

    expect(tokenizer.decode(tokenizer.encode("<|end|>\n\n"))).toContain("\n\n");
  });

  it("adds BOS where the tokenizer does so, and add_bos_token decides where it is given", () => {
    const llama = sentencePieceTokenizer("llama_2");
    const { tokenizerJson, tokenizerConfig } = sentencePieceFiles("llama_2");
    const without = createTokenizer(tokenizerJson, { ...tokenizerConfig, add_bos_token: false });
    const unconfigured = createTokenizer(tokenizerJson);

    expect(llama.encode("A", { bos: true })).toEqual([1, ...llama.encode("A")]);
    expect(without.encode("A", { bos: true })).toEqual(llama.encode("A"));
    expect(unconfigured).toMatchObject({ addsBos: true, bosId: 1, eosIds: [], padId: undefined });
    expect(sentencePieceTokenizer("phi_3").encode("A", { bos: true })).not.toContain(1);
  });
});

describe.each(kinds)("encodePlain ($name)", ({ tokenizer, dropsFirstSpace }) => {
  const names = [
    "<unk>",
    "<s>",
    "</s>",
    "<pad>",
    "<vision_start>",
    "<vision_end>",
    "<|end|>",
    "<|eot_id|>",
    "<|user|>",
  ];
  const controlIds = new Set(names.concat("<|assistant|>", "<|endoftext|>").map((name) => tokenizer.idOf(name)));

  it("makes no control token of anything a user types, and keeps the text", () => {
    for (const text of [...fragments, ...hostileTexts(400)]) {
      const ids = tokenizer.encodePlain(text);

      expect(
        ids.filter((id) => controlIds.has(id)),
        text,
      ).toEqual([]);
      expect(tokenizer.decode(ids)).toBe(dropsFirstSpace ? text.replace(/^ /, "") : text);
    }
  });

  it("equals encode where no control token is spelled", () => {
    for (const text of ["What is on the table?", " a  b \n", "日本 👩‍👩‍👧", "<|", "< s >"]) {
      expect(tokenizer.encodePlain(text)).toEqual(tokenizer.encode(text));
    }
  });

  it("does not let plain text complete a control token that trusted text begins", () => {
    const ids = tokenizer.encode([{ text: "<vision_" }, { text: "start>", plain: true }, { text: "<vision_start>" }]);

    expect(ids.filter((id) => controlIds.has(id))).toEqual([tokenizer.idOf("<vision_start>")]);
  });
});

describe.each(kinds)("createTextStream ($name)", ({ tokenizer }) => {
  it("joins to the decoded text and never shows part of a character", () => {
    for (const text of ["👩‍👩‍👧👍🏽 é", " A red cup.", "日本\ud83d\ude00", ...hostileTexts(100)]) {
      const ids = tokenizer.encodePlain(text);

      const parts = streamed(tokenizer, ids);

      expect(parts.join("")).toBe(tokenizer.decode(ids));
      expect(parts.every((part) => !/[\ufffd\p{Surrogate}]/u.test(part))).toBe(true);
    }
  });

  it("joins to the decoded text for arbitrary ids, broken characters included", () => {
    let state = 3;
    for (let run = 0; run < 150; run++) {
      const ids = Array.from({ length: 1 + (run % 40) }, () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return (state >>> 8) % (run % 2 ? 300 : tokenizer.vocabSize + 5);
      });
      for (const skipSpecial of [false, true]) {
        const parts = streamed(tokenizer, ids, skipSpecial);

        expect(parts.join(""), ids.join()).toBe(tokenizer.decode(ids, { skipSpecial }));
      }
    }
  });
});

describe("createTextStream", () => {
  const tokenizer = byteLevelTokenizer();

  it("holds a character back until its last byte, and shows the rest as one replacement character", () => {
    const ids = tokenizer.encodePlain("👍");

    expect(streamed(tokenizer, ids)).toEqual(["", "", "", "👍", ""]);
    expect(streamed(tokenizer, ids.slice(0, 3))).toEqual(["", "", "", "\ufffd"]);
  });

  it("leaves special tokens out on request", () => {
    const ids = tokenizer.encode("A<|end|> red");

    expect(streamed(tokenizer, ids, true).join("")).toBe("A red");
    expect(tokenizer.decode(ids)).toBe("A<|end|> red");
  });
});

describe("decode", () => {
  const tokenizer = byteLevelTokenizer();

  it("gives no text for no ids and for ids past the vocabulary, and refuses what is no id", () => {
    expect(tokenizer.decode([])).toBe("");
    expect(tokenizer.decode([tokenizer.vocabSize + 9])).toBe("");
    expect(() => tokenizer.decode([-200])).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  });

  it("keeps the space in front of punctuation", () => {
    expect(tokenizer.decode(tokenizer.encodePlain("a red cup . do n't"))).toBe("a red cup . do n't");
  });
});

describe("createTokenizer", () => {
  const { tokenizerJson, tokenizerConfig } = sentencePieceFiles("phi_3");
  const withModel = (model: Record<string, unknown>) => ({
    ...tokenizerJson,
    model: { ...tokenizerJson.model, ...model },
  });

  it.each([
    ["no object", [], "tokenizer.json: expected an object, got an array"],
    ["another model", withModel({ type: "Unigram" }), 'tokenizer.json: model.type: expected "BPE", got "Unigram"'],
    ["no vocabulary", withModel({ vocab: {} }), "tokenizer.json: model.vocab: expected an object of token ids"],
    ["a vocabulary id that is none", withModel({ vocab: { a: -1 } }), 'model.vocab["a"]: expected a token id, got -1'],
    ["one id twice", withModel({ vocab: { a: 1, b: 1 } }), 'model.vocab["b"]: expected an id of its own'],
    ["a merge that is no pair", withModel({ merges: [["a"]] }), "model.merges[0]: expected a pair of tokens"],
    ["a suffix", withModel({ end_of_word_suffix: "</w>" }), "model.end_of_word_suffix: expected null"],
    ["an unknown component", { ...tokenizerJson, decoder: { type: "Zip" } }, "Unknown Decoder type: Zip"],
    [
      "an id that another token has",
      { ...tokenizerJson, added_tokens: [{ id: 3, content: "<x>" }] },
      'added_tokens: expected "<0x00>" at id 3, got "<x>"',
    ],
  ])("refuses %s", (_, json, message) => {
    expect(() => createTokenizer(json)).toThrow(expect.objectContaining({ code: "TOKENIZER_INVALID" }));
    expect(() => createTokenizer(json)).toThrow(message);
  });

  it("refuses a configuration that names a token which the vocabulary lacks", () => {
    expect(() => createTokenizer(tokenizerJson, { ...tokenizerConfig, eos_token: { content: "<nope>" } })).toThrow(
      'tokenizer.json: eos_token: expected a token of the vocabulary, got "<nope>"',
    );
  });
});
