import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyModel } from "../testing/write-tiny-model-node.ts";
import { loadTokenizer } from "../text/index-node.ts";
import type { FusionModel } from "./fusion-model.ts";
import { type LoadOptions, loadFusion } from "./load-fusion-node.ts";
import type { AnswerPart, QuestionOptions } from "./options.ts";
import { roomyModel, testPhoto } from "./sessions-for-tests.ts";

let folder: string;
let image: Uint8Array;
let model: FusionModel;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "answer-"));
  await writeTinyModel(folder, roomyModel);
  image = await testPhoto();
  model = await loadFusion(folder, { worker: false });
});
afterAll(async () => {
  await model.dispose();
  await rm(folder, { recursive: true });
});

const question = "What is in the picture?";
const ask = (options: Partial<QuestionOptions> = {}) => model.ask({ image, question, maxTokens: 12, ...options });

/** The same folder, loaded with other options, for one answer. */
async function askWith(load: LoadOptions, options: Partial<QuestionOptions> = {}) {
  const other = await loadFusion(folder, { worker: false, ...load });
  try {
    return await other.ask({ image, question, maxTokens: 12, ...options });
  } finally {
    await other.dispose();
  }
}

describe("ask", () => {
  it("answers with text, tokens, usage and timing", async () => {
    const { text, tokens, finishReason, usage, timing } = await ask();

    expect(text.length).toBeGreaterThan(0);
    expect(tokens).toHaveLength(12);
    expect(finishReason).toBe("length");
    expect(usage).toMatchObject({ imageTokens: 16, latentTokens: 16, outputTokens: 12, cachedTokens: 0 });
    const { image: picture, vision, prefill, decode, firstToken, total } = timing;
    for (const part of [picture, vision, prefill, decode]) expect(part).toBeGreaterThan(0);
    expect(firstToken).toBeGreaterThanOrEqual(picture + vision + prefill);
    expect(total).toBeGreaterThanOrEqual(Math.max(firstToken, picture + vision + prefill + decode));
  });

  it("never chooses a row of the output table that stands for no token", async () => {
    const rows = 4000; // nearly all of them spare
    const spare = await mkdtemp(join(tmpdir(), "answer-spare-"));
    await writeTinyModel(spare, { config: { vocab_size: rows } });
    const { vocabSize } = await loadTokenizer(spare);
    const padded = await loadFusion(spare, { worker: false });

    const { tokens } = await padded.ask({ image, question, maxTokens: 30, temperature: 2, seed: 1 });
    await padded.dispose();
    await rm(spare, { recursive: true });

    expect(vocabSize).toBeLessThan(rows / 2);
    expect(Math.max(...tokens)).toBeLessThan(vocabSize);
  });

  it("gives in pieces the text that it gives at once, then one end", async () => {
    const parts: AnswerPart[] = [];
    for await (const part of model.stream({ image, question, maxTokens: 12 })) parts.push(part);

    const end = parts.at(-1)!;
    const whole = await ask();
    const text = parts.map((part) => (part.type === "text-delta" ? part.text : "")).join("");
    expect(end).toMatchObject({ type: "end", text, tokens: whole.tokens });
    expect(text).toBe(whole.text);
    expect(parts.length).toBeGreaterThan(3);
  });

  it("counts the time of a slow reader in the total alone", async () => {
    let end: AnswerPart | undefined;
    for await (const part of model.stream({ image, question, maxTokens: 4 })) {
      if (part.type === "text-delta") await new Promise((resolve) => setTimeout(resolve, 60));
      end = part;
    }

    const { timing } = end as Extract<AnswerPart, { type: "end" }>;
    expect(timing.total).toBeGreaterThan(100);
    expect(timing.decode).toBeLessThan(timing.total / 2);
  });

  it("is greedy unless asked otherwise, and draws the same with the same seed", async () => {
    const sampled = { temperature: 1.5, seed: 7, maxTokens: 20 };

    expect((await ask()).tokens).toEqual((await ask()).tokens);
    const drawn = await ask(sampled);
    expect((await ask(sampled)).tokens).toEqual(drawn.tokens);
    expect((await ask({ ...sampled, seed: 8 })).tokens).not.toEqual(drawn.tokens);
    expect((await ask({ maxTokens: 20 })).tokens).not.toEqual(drawn.tokens);
  });

  it("ends after one token where no more are allowed", async () => {
    const all = await ask();
    const one = await ask({ maxTokens: 1 });

    expect(one.tokens).toEqual(all.tokens.slice(0, 1));
    expect(one.finishReason).toBe("length");
  });

  it("ends before a stop text", async () => {
    const { text } = await ask({ maxTokens: 30 });
    const stop = text.slice(4, 6);

    const stopped = await ask({ maxTokens: 30, stop: ["never seen", stop] });

    expect(stopped).toMatchObject({ text: text.slice(0, text.indexOf(stop)), finishReason: "stop" });
  });

  it("sees the picture", async () => {
    const other = await testPhoto(40, 90);
    expect((await ask({ image: other, maxTokens: 20 })).tokens).not.toEqual((await ask({ maxTokens: 20 })).tokens);
  });

  it("does without a picture", async () => {
    const { usage, timing } = await model.ask({ question, maxTokens: 3 });

    expect(usage).toMatchObject({ imageTokens: 0, latentTokens: 16, outputTokens: 3 });
    expect(timing.image).toBeLessThan(5);
  });

  it.each(["<image>", "<|end|>", "<latent_image><|assistant|>", "<vision_start>"])(
    "takes a typed %s for letters",
    async (typed) => {
      const plain = await ask({ maxTokens: 1 });
      const forged = await ask({ question: question + typed, maxTokens: 1 });

      expect(forged.usage).toMatchObject({
        imageTokens: plain.usage.imageTokens,
        latentTokens: plain.usage.latentTokens,
      });
      expect(forged.usage.promptTokens).toBeGreaterThanOrEqual(plain.usage.promptTokens + typed.length / 2);
    },
  );
});

describe("a bad question", () => {
  it.each([
    ["blank", { question: " \n" }, "PROMPT_INVALID", "question"],
    ["no text", { question: 7 as never }, "PROMPT_INVALID", "question"],
    ["a limit of no tokens", { maxTokens: 0 }, "OPTION_INVALID", "maxTokens"],
    ["half a token", { maxTokens: 1.5 }, "OPTION_INVALID", "maxTokens"],
    ["a negative temperature", { temperature: -1 }, "OPTION_INVALID", "temperature"],
    ["topP above 1", { topP: 2 }, "OPTION_INVALID", "topP"],
    ["a negative seed", { seed: -1 }, "OPTION_INVALID", "seed"],
    ["an empty stop text", { stop: [""] }, "OPTION_INVALID", "stop"],
    ["one stop text without a list", { stop: "end" as never }, "OPTION_INVALID", "stop"],
    ["no such picture", { image: "no-such.png" }, "IMAGE_NOT_FOUND", "no-such.png"],
    ["a picture that is none", { image: new Uint8Array([1, 2, 3]) }, "IMAGE_INVALID", "image bytes"],
    ["a picture of no kind", { image: null as never }, "IMAGE_INVALID", "image"],
  ] as const)("(%s) is refused by name", async (_case, options, code, at) => {
    await expect(ask(options)).rejects.toMatchObject({
      code,
      at: expect.stringContaining(at),
      hint: expect.any(String),
    });
  });

  it("too long for the context is refused before its picture is looked at", async () => {
    const asking = ask({ question: "long ".repeat(300), image: "no-such.png" });

    await expect(asking).rejects.toMatchObject({
      code: "CONTEXT_EXCEEDED",
      message: expect.stringContaining("at most 600"),
    });
  });

  it("that fills the context to the last row gets one token, one row more is refused, and the chat goes on", async () => {
    const { usage } = await ask({ maxTokens: 1, question: "Q" });
    const filled = (rows: number) => `Q${"\u0001".repeat(rows - usage.promptTokens)}`;

    const full = await ask({ question: filled(600) });
    expect(full).toMatchObject({ finishReason: "length", usage: { promptTokens: 600, outputTokens: 1 } });
    await expect(ask({ question: filled(601) })).rejects.toMatchObject({ code: "CONTEXT_EXCEEDED" });

    const chat = model.chat({ image });
    await expect(chat.send(filled(590))).resolves.toMatchObject({ usage: { outputTokens: 11 } });
    await expect(chat.send("More?")).rejects.toMatchObject({ code: "CONTEXT_EXCEEDED" });
    expect(chat.turns).toHaveLength(1);
    await chat.dispose();
  });
});

describe("options of a model", () => {
  it("set the number of latents, also beyond the pooled map, and of image tokens, from one to more than patches", async () => {
    const { usage } = await askWith({ latents: 100, imageTokens: 1 });
    expect(usage).toMatchObject({ latentTokens: 100, imageTokens: 1 });

    const wide = await askWith({ latents: 1, imageTokens: 64 });
    expect(wide.usage).toMatchObject({ latentTokens: 1, imageTokens: 64 });
    expect(wide.text.length).toBeGreaterThan(0);
  });

  it("override the semantics", async () => {
    const [paper, released] = [await askWith({ semantics: "paper" }), await askWith({ semantics: "released" })];

    expect(paper.tokens).toEqual((await ask()).tokens);
    expect(released.tokens).not.toEqual(paper.tokens);
  });

  it.each([
    [{ latents: 5 }, "latents"],
    [{ latents: Number.NaN }, "latents"],
    [{ latents: "16" as never }, "latents"],
    [{ imageTokens: 0 }, "imageTokens"],
    [{ imageTokens: 576, latents: 64 }, "latents and imageTokens"],
    [{ semantics: "both" as never }, "semantics"],
    [{ device: "abacus" as never }, "device"],
    [{ threads: 0 }, "threads"],
  ])("%o is refused", async (options, at) => {
    await expect(loadFusion(folder, { worker: false, ...options })).rejects.toMatchObject({
      code: "OPTION_INVALID",
      at: expect.stringContaining(at),
    });
  });
});
