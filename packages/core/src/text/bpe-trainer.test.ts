import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { trainBpe } from "./bpe-trainer.ts";
import { chatTemplate } from "./chat-template.ts";
import { familySpecialTokens, stopTokenIds } from "./control-tokens.ts";
import { trainFamilyTokenizer } from "./family-tokenizer.ts";
import { createTokenizer } from "./tokenizer.ts";
import { trainingText } from "./tokenizers-for-tests.ts";

const rust: { merges: string[] } = JSON.parse(
  readFileSync(new URL("../../../../test/golden/prompts/rust_tokenizers.json", import.meta.url), "utf8"),
);

/** About a megabyte of words whose frequencies fall off like a language's. */
function megabyte(): string[] {
  let state = 11;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const word = (rank: number) => `w${(rank * 2654435761).toString(36)}`;
  return Array.from({ length: 8000 }, () =>
    Array.from({ length: 10 }, () => word(Math.floor(3000 * next() ** 3))).join(" "),
  );
}

describe("trainBpe", () => {
  it("learns the merges of the Rust trainer", () => {
    const { all } = familySpecialTokens("phi_3");

    const { model } = trainBpe(trainingText, { vocabSize: 400, specialTokens: all });

    expect(model.merges.map((merge) => (typeof merge === "string" ? merge : merge.join(" ")))).toEqual(rust.merges);
  });

  it("gives equal counts to the pair with the lower ids", () => {
    const { model } = trainBpe(["zy ba zy ba"], { vocabSize: 258, specialTokens: ["<pad>"] });

    expect(model.merges).toEqual([["b", "a"]]);
  });

  it("is deterministic, whatever the order of the documents", () => {
    const options = { vocabSize: 380, specialTokens: ["<pad>"] };

    const first = JSON.stringify(trainBpe(trainingText, options));

    expect(JSON.stringify(trainBpe([...trainingText].reverse(), options))).toBe(first);
  });

  it("numbers special tokens first, so that padding is 0, and stops where nothing repeats", () => {
    const json = trainBpe(["ab ab"], { vocabSize: 1000, specialTokens: ["<pad>", "<x>"] });

    expect(json.model.vocab).toMatchObject({ "<pad>": 0, "<x>": 1, "!": 2, ab: 258 });
    expect(Object.keys(json.model.vocab)).toHaveLength(2 + 256 + 1);
  });

  it("round-trips every byte and any text", () => {
    const tokenizer = createTokenizer(trainBpe(trainingText, { vocabSize: 400, specialTokens: ["<pad>"] }));
    const everyByte = Array.from({ length: 0x250 }, (_, code) => String.fromCodePoint(code)).join("");
    const texts = [
      everyByte,
      "👩‍👩‍👧👍🏽",
      "\ufeffBOM",
      "\u0000\u001b[0m\r\n",
      "مرحبا 日本語",
      "",
      "   ",
      "__proto__ constructor",
    ];

    for (const text of texts) expect(tokenizer.decode(tokenizer.encodePlain(text))).toBe(text);
  });

  it("learns no merge that would let text spell a special token", () => {
    const json = trainBpe(["red red red red"], { vocabSize: 300, specialTokens: ["<pad>", "red"] });
    const tokenizer = createTokenizer(json);

    expect(json.model.merges.map((merge) => [...merge].join(""))).not.toContain("red");
    expect(tokenizer.encodePlain("red")).not.toContain(1);
    expect(tokenizer.decode(tokenizer.encodePlain("red"))).toBe("red");
  });

  it("trains 2048 tokens on a megabyte within seconds", () => {
    const corpus = megabyte();
    const start = performance.now();

    const { model } = trainBpe(corpus, { vocabSize: 2048, specialTokens: ["<pad>"] });

    expect(corpus.join("").length).toBeGreaterThan(600_000);
    expect(Object.keys(model.vocab)).toHaveLength(2048);
    expect(performance.now() - start).toBeLessThan(15_000); // 0.6 s alone on one core; counting anew takes minutes
  });

  it.each([
    ["vocabSize", { vocabSize: 256, specialTokens: ["<pad>"] }],
    ["vocabSize", { vocabSize: 300.5, specialTokens: [] }],
    ["specialTokens", { vocabSize: 300, specialTokens: ["<a>", "<a>"] }],
    ["specialTokens", { vocabSize: 300, specialTokens: [""] }],
    ["bosToken", { vocabSize: 300, specialTokens: ["<a>"], bosToken: "<s>" }],
  ])("refuses a wrong %s", (at, options) => {
    expect(() => trainBpe([], options)).toThrow(expect.objectContaining({ code: "OPTION_INVALID", at }));
  });
});

describe("trainFamilyTokenizer", () => {
  it.each([
    { template: "phi_3", addsBos: false, stops: ["<|end|>", "<|endoftext|>"] },
    { template: "llama_3", addsBos: true, stops: ["<|eot_id|>", "<|end_of_text|>"] },
    { template: "vicuna_v1", addsBos: true, stops: ["</s>"] },
  ] as const)("has the control tokens, ends and padding of $template", ({ template, addsBos, stops }) => {
    const files = trainFamilyTokenizer(trainingText, { template, vocabSize: 300 });
    const tokenizer = createTokenizer(
      JSON.parse(JSON.stringify(files.tokenizerJson)),
      JSON.parse(JSON.stringify(files.tokenizerConfig)),
    );

    expect(tokenizer).toMatchObject({ padId: 0, addsBos });
    expect(tokenizer.idOf("<pad>")).toBe(0);
    for (const token of chatTemplate(template).controlTokens) {
      expect(tokenizer.encode(token)).toEqual([tokenizer.idOf(token)]);
    }
    expect(stopTokenIds(tokenizer, chatTemplate(template))).toEqual(stops.map((token) => tokenizer.idOf(token)));
    expect(tokenizer.encodePlain("! A red cup <pad>")).not.toContain(0);
  });
});
