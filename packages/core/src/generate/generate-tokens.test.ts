import { describe, expect, it } from "vitest";
import { FusionError } from "../errors/index.ts";
import { createRandom } from "../tensor/index.ts";
import { type GenerateTokensOptions, type GenerationPart, generateTokens, type TextStream } from "./generate-tokens.ts";
import { greedy, sample } from "./sampler.ts";
import { maxNewTokens, onText, onToken } from "./stop-condition.ts";

const eos = 0;

/** Token `id` is the text `words[id]`. */
const wordStream = (words: readonly string[], rest = ""): TextStream => ({
  push: (id) => words[id] ?? "",
  end: () => rest,
});

/** A model that says one prepared sequence of tokens, whatever it is given, and counts what it was given. */
function parrot(sequence: readonly number[], vocabulary: number) {
  const scores = (position: number) => {
    const logits = new Float32Array(vocabulary);
    logits[sequence[position] ?? eos] = 9;
    return logits;
  };
  const stepped: number[] = [];
  return {
    logits: scores(0),
    stepped,
    step: async (token: number) => {
      stepped.push(token);
      return scores(stepped.length);
    },
  };
}

async function collect(parts: AsyncIterable<GenerationPart>): Promise<GenerationPart[]> {
  const all: GenerationPart[] = [];
  for await (const part of parts) all.push(part);
  return all;
}

const words = ["</s>", "It", " is", " a", " c", "at", "."];
const speak = (sequence: number[], options: Partial<GenerateTokensOptions> = {}) => {
  const model = parrot(sequence, words.length);
  const parts = generateTokens({
    logits: model.logits,
    step: model.step,
    sampler: greedy(),
    textStream: wordStream(words),
    stopWhen: [onToken(eos), maxNewTokens(20)],
    ...options,
  });
  return { model, parts };
};

describe("generateTokens", () => {
  it("streams text and ends at a stop token, whose text is left out and whose id is kept", async () => {
    const { model, parts } = speak([1, 2, 3, eos]);

    expect(await collect(parts)).toEqual([
      { type: "text-delta", text: "It", token: 1 },
      { type: "text-delta", text: " is", token: 2 },
      { type: "text-delta", text: " a", token: 3 },
      { type: "end", finishReason: "stop", stop: { token: eos }, text: "It is a", tokens: [1, 2, 3, eos] },
    ]);
    expect(model.stepped).toEqual([1, 2, 3]);
  });

  it("ends with length at the limit, without a step for the last token", async () => {
    const { model, parts } = speak([1, 2, 3, 4], { stopWhen: [maxNewTokens(2)] });

    expect((await collect(parts)).at(-1)).toEqual({
      type: "end",
      finishReason: "length",
      text: "It is",
      tokens: [1, 2],
    });
    expect(model.stepped).toEqual([1]);
  });

  it("ends with stop when the last token that the limit allows is a stop token", async () => {
    const { parts } = speak([1, eos], { stopWhen: [onToken(eos), maxNewTokens(2)] });

    expect((await collect(parts)).at(-1)).toMatchObject({ finishReason: "stop", tokens: [1, eos] });
  });

  it("ends at a stop text that straddles tokens, and emits nothing of it", async () => {
    const { parts } = speak([1, 4, 5, 6], { stopWhen: [onText(" cat"), maxNewTokens(9)] });

    expect(await collect(parts)).toEqual([
      { type: "text-delta", text: "It", token: 1 },
      { type: "end", finishReason: "stop", stop: { text: " cat" }, text: "It", tokens: [1, 4, 5] },
    ]);
  });

  it("releases held text with the token that shows it was no stop text", async () => {
    const { parts } = speak([4, 6, eos], { stopWhen: [onText(" cat"), onToken(eos)] });

    expect(await collect(parts)).toEqual([
      { type: "text-delta", text: " c.", token: 6 },
      { type: "end", finishReason: "stop", stop: { token: eos }, text: " c.", tokens: [4, 6, eos] },
    ]);
  });

  it("emits at the end what text stream and scanner held back", async () => {
    const textStream = wordStream(words, "\uFFFD");
    const { parts } = speak([4, eos], { textStream, stopWhen: [onText(" c\uFFFD!"), onToken(eos)] });

    expect((await collect(parts)).at(-1)).toMatchObject({
      text: " c\uFFFD",
      finishReason: "stop",
      stop: { token: eos },
    });
  });

  it("emits the same text for every way of cutting it into tokens", async () => {
    const random = createRandom(23);
    const text = "The cat sat.\n\nUser: what now?\n\nUser: nothing";
    for (let round = 0; round < 100; round++) {
      const pieces = ["</s>"];
      for (let i = 0; i < text.length; ) {
        const length = 1 + Math.floor(random() * 9);
        pieces.push(text.slice(i, i + length));
        i += length;
      }
      const model = parrot([...pieces.keys()].slice(1), pieces.length);
      const parts = await collect(
        generateTokens({
          ...model,
          sampler: greedy(),
          textStream: wordStream(pieces),
          stopWhen: [onText("\n\nUser:", "ca!")],
        }),
      );

      const deltas = parts.flatMap((part) => (part.type === "text-delta" ? [part.text] : []));
      expect(deltas.join("")).toBe("The cat sat.");
      expect(deltas).not.toContain("");
      expect(parts.at(-1)).toMatchObject({ finishReason: "stop", stop: { text: "\n\nUser:" }, text: "The cat sat." });
    }
  });

  it("shows the sampler the history and every token since", async () => {
    const seen: number[][] = [];
    const model = parrot([1, 2, eos], words.length);
    const inner = greedy();
    const sampler = {
      next: (logits: Float32Array, history: readonly number[]) => {
        seen.push([...history]);
        return inner.next(logits, history);
      },
    };

    await collect(speak([], { ...model, sampler, history: [5, 5] }).parts);

    expect(seen).toEqual([
      [5, 5],
      [5, 5, 1],
      [5, 5, 1, 2],
    ]);
  });

  it("passes a step's error on", async () => {
    const step = () =>
      Promise.reject(new FusionError({ code: "BACKEND_FAILED", at: "decode", hint: "h", actual: "x" }));

    await expect(collect(speak([1], { step }).parts)).rejects.toMatchObject({ code: "BACKEND_FAILED", at: "decode" });
  });

  it("repeats a sampled text with the same seed", async () => {
    const say = async () => {
      const flat = () => new Float32Array(words.length);
      const model = { logits: flat(), step: async () => flat() };
      const { parts } = speak([], { ...model, sampler: sample({ seed: 1 }), stopWhen: [maxNewTokens(16)] });
      return (await collect(parts)).at(-1);
    };

    expect(await say()).toEqual(await say());
  });
});

describe("aborting generateTokens", () => {
  it("throws ABORTED with the reason before the first token", async () => {
    const reason = new Error("user left");
    const { model, parts } = speak([1, 2], { signal: AbortSignal.abort(reason) });

    await expect(collect(parts)).rejects.toMatchObject({ code: "ABORTED", cause: reason });
    expect(model.stepped).toEqual([]);
  });

  it("does not wait for a step that is under way, and leaves no listener behind", async () => {
    const controller = new AbortController();
    const listeners = countListeners(controller.signal);
    const step = () => new Promise<Float32Array>(() => {});
    const { parts } = speak([1], { step, signal: controller.signal });

    expect((await parts.next()).value).toMatchObject({ text: "It" });
    const next = parts.next();
    controller.abort();

    await expect(next).rejects.toMatchObject({ code: "ABORTED", message: "generate: stopped by its abort signal" });
    expect(listeners()).toBe(0);
  });

  it("lets no error escape from a step that fails after the abort", async () => {
    const escaped: unknown[] = [];
    const listener = (error: unknown) => escaped.push(error);
    process.on("unhandledRejection", listener);
    const controller = new AbortController();
    let fail = (_error: Error) => {};
    const step = () =>
      new Promise<Float32Array>((_resolve, reject) => {
        fail = reject;
      });
    const { parts } = speak([1], { step, signal: controller.signal });
    await parts.next();
    const next = parts.next();
    controller.abort();
    await expect(next).rejects.toMatchObject({ code: "ABORTED" });

    fail(new Error("late"));
    await new Promise((resolve) => setTimeout(resolve, 5));

    process.off("unhandledRejection", listener);
    expect(escaped).toEqual([]);
  });

  it("leaves no listener behind when it ends by itself, or when the reader leaves", async () => {
    const controller = new AbortController();
    const listeners = countListeners(controller.signal);

    await collect(speak([1, 2, 3, eos], { signal: controller.signal }).parts);
    expect(listeners()).toBe(0);

    for await (const _part of speak([1, 2, 3, eos], { signal: controller.signal }).parts) break;
    expect(listeners()).toBe(0);
  });
});

/** How many more abort listeners were added than removed since. */
function countListeners(signal: AbortSignal): () => number {
  let count = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    count++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    count--;
    remove(...args);
  };
  return () => count;
}
