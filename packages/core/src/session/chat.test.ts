import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { float32 } from "../tensor/index.ts";
import { maxRelativeError } from "../testing/index.ts";
import { planConversation, planTurn, type Segment } from "../text/index.ts";
import type { Chat } from "./chat.ts";
import { answerSegment } from "./chat-context.ts";
import { openSession, type TestSession, testPicture } from "./sessions-for-tests.ts";

let session: TestSession;
beforeAll(async () => {
  session = await openSession();
});
beforeEach(() => {
  session.engine.take();
});
afterAll(() => session.dispose());

const first = "What is in the picture?";
const second = "And how many shapes are there?";
const difference = (a: Float32Array, b: Float32Array) =>
  maxRelativeError(float32([a.length], a), float32([b.length], b));

/** The first question with the answer tokens that the model has run, planned without a chat. */
function planFirst(): { segments: readonly Segment[]; instruction: readonly number[] } {
  const { tokenizer, template } = session.context;
  return planConversation({ tokenizer, template, turns: [{ question: first }], hasImage: true, semantics: "paper" });
}

function planSecond(): Segment[] {
  const { tokenizer, template } = session.context;
  return planTurn({ tokenizer, template, question: second, answerClosed: false });
}

describe("a chat's first question", () => {
  it("gives the same logits token by token on the cache as computed at once", async () => {
    const { segments, instruction } = planFirst();
    const imageTokens = await session.imageTokens(instruction);

    const chat = session.chat();
    const { tokens } = await chat.send(first, { maxTokens: 6 });

    const calls = session.engine.take();
    expect(calls.map(({ kind }) => kind)).toEqual(["prefill", ...Array(5).fill("decode")]);
    for (const [i, { logits }] of calls.entries()) {
      const whole = await session.recompute([...segments, answerSegment(tokens.slice(0, i))], imageTokens);
      expect(difference(logits, whole)).toBeLessThan(1e-5);
    }
    await chat.dispose();
  });
});

describe("a chat's second question", () => {
  it("is prefilled on top of the cache and gives the logits of the whole conversation computed at once", async () => {
    const { segments, instruction } = planFirst();
    const imageTokens = await session.imageTokens(instruction);
    const chat = session.chat();
    const { tokens } = await chat.send(first, { maxTokens: 5 });
    session.engine.take();

    const { usage } = await chat.send(second, { maxTokens: 2 });

    const [extended] = session.engine.take();
    const conversation = [...segments, answerSegment(tokens), ...planSecond()];
    expect(extended!.kind).toBe("extend");
    // The last token of the first answer had been chosen and not run.
    expect(usage).toMatchObject({ cachedTokens: extended!.cached, imageTokens: 0, latentTokens: 4 });
    expect(difference(extended!.logits, await session.recompute(conversation, imageTokens))).toBeLessThan(1e-5);
    await chat.dispose();
  });

  it("updates its own latent tokens with its own end", async () => {
    const { segments, instruction } = planFirst();
    const imageTokens = await session.imageTokens(instruction);
    const chat = session.chat();
    const { tokens } = await chat.send(first, { maxTokens: 1 });
    session.engine.take();

    await chat.send(second, { maxTokens: 1 });

    const [extended] = session.engine.take();
    const untouched = planSecond().map((segment) => ({ ...segment, endsQuestion: false }) as Segment);
    const without = await session.recompute([...segments, answerSegment(tokens), ...untouched], imageTokens);
    expect(difference(extended!.logits, without)).toBeGreaterThan(1e-3);
    await chat.dispose();
  });

  it("keeps the image tokens of the first question, unless reencode encodes them with both", async () => {
    const { tokenizer, template } = session.context;
    const chat = session.chat();
    const again = session.chat({ reencode: true });
    const { text } = await chat.send(first, { maxTokens: 4 });
    expect((await again.send(first, { maxTokens: 4 })).text).toBe(text);
    session.engine.take();

    await again.send(second, { maxTokens: 1 });

    const turns = [{ question: first, answer: text.trim() }, { question: second }];
    const plan = planConversation({ tokenizer, template, turns, hasImage: true, semantics: "paper" });
    const imageTokens = await session.imageTokens(plan.instruction);
    const [prefilled, ...rest] = session.engine.take();
    expect(prefilled!.kind).toBe("prefill");
    expect(rest).toEqual([]);
    expect(difference(prefilled!.logits, await session.recompute(plan.segments, imageTokens))).toBeLessThan(1e-5);

    await chat.send(second, { maxTokens: 1 });
    expect(difference(session.engine.take()[0]!.logits, prefilled!.logits)).toBeGreaterThan(1e-3);
    await chat.dispose();
    await again.dispose();
  });

  it("without a picture has zero latents and no image tokens", async () => {
    const chat = session.chat({ hasImage: false, picture: async () => undefined });
    const { usage } = await chat.send(first, { maxTokens: 2 });
    const later = await chat.send(second, { maxTokens: 2 });

    expect(usage).toMatchObject({ imageTokens: 0, latentTokens: 4 });
    expect(later.usage).toMatchObject({ imageTokens: 0, latentTokens: 4, cachedTokens: usage.promptTokens + 1 });
    await chat.dispose();
  });
});

/** A chat that has answered one question, and what it says to the next one. */
async function expectUntouched(chat: Chat, told: string): Promise<void> {
  const fresh = session.chat();
  expect((await fresh.send(first, { maxTokens: 5 })).text).toBe(told);
  session.engine.take();
  const expected = await fresh.send(second, { maxTokens: 4 });
  const wanted = session.engine.take();

  const actual = await chat.send(second, { maxTokens: 4 });

  expect(actual.tokens).toEqual(expected.tokens);
  expect(session.engine.take().map(({ logits }) => logits)).toEqual(wanted.map(({ logits }) => logits));
  expect(chat.turns).toEqual(fresh.turns);
  await fresh.dispose();
}

describe("a question that does not end", () => {
  let chat: Chat;
  let told: string;
  beforeEach(async () => {
    chat = session.chat();
    told = (await chat.send(first, { maxTokens: 5 })).text;
  });

  it("by an abort after some text leaves the chat as if it had never been asked", async () => {
    const controller = new AbortController();
    const parts: string[] = [];
    const answering = (async () => {
      for await (const part of chat.stream("Why?", { maxTokens: 60, signal: controller.signal })) {
        parts.push(part.type);
        if (parts.length === 3) controller.abort(new Error("enough"));
      }
    })();

    await expect(answering).rejects.toMatchObject({ code: "ABORTED" });
    expect(parts).toEqual(["text-delta", "text-delta", "text-delta"]);
    await expectUntouched(chat, told);
    await chat.dispose();
  });

  it("by an abort from outside, while the engine works, leaves it so too", async () => {
    const controller = new AbortController();
    const answering = chat.send("Why?", { maxTokens: 200, signal: controller.signal });
    setTimeout(() => controller.abort(), 5);

    await expect(answering).rejects.toMatchObject({
      code: "ABORTED",
      message: expect.stringContaining("abort signal"),
    });
    await expectUntouched(chat, told);
    await chat.dispose();
  });

  it("by leaving the loop leaves it so too", async () => {
    for await (const part of chat.stream("Why?", { maxTokens: 60 })) if (part.type === "text-delta") break;

    await expectUntouched(chat, told);
    await chat.dispose();
  });

  it("by a signal that was aborted before runs nothing", async () => {
    session.engine.take();
    await expect(chat.send("Why?", { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });

    expect(session.engine.take()).toEqual([]);
    await expectUntouched(chat, told);
    await chat.dispose();
  });

  it("is free for the next question when the reader has the end part and asks for no more", async () => {
    const stream = chat.stream("Why?", { maxTokens: 2 });
    for (let part = await stream.next(); part.value?.type !== "end"; part = await stream.next());

    await expect(chat.send(second, { maxTokens: 1 })).resolves.toMatchObject({ finishReason: "length" });
    await chat.dispose();
  });
});

describe("chats side by side", () => {
  it("do not disturb each other", async () => {
    const alone = [session.chat(), session.chat({ picture: async () => testPicture(1) })];
    const expected = [];
    for (const chat of alone)
      expected.push([
        (await chat.send(first, { maxTokens: 5 })).tokens,
        (await chat.send(second, { maxTokens: 5 })).tokens,
      ]);

    const both = [session.chat(), session.chat({ picture: async () => testPicture(1) })];
    const firsts = await Promise.all(both.map((chat) => chat.send(first, { maxTokens: 5 })));
    const seconds = await Promise.all(both.map((chat) => chat.send(second, { maxTokens: 5 })));

    expect(both.map((_, i) => [firsts[i]!.tokens, seconds[i]!.tokens])).toEqual(expected);
    for (const chat of [...alone, ...both]) await chat.dispose();
  });

  it("answer one question each at a time", async () => {
    const chat = session.chat();
    const answering = chat.send(first, { maxTokens: 3 });

    await expect(chat.send(second)).rejects.toMatchObject({ code: "OPTION_INVALID", at: "chat" });
    await expect(answering).resolves.toMatchObject({ finishReason: "length" });
    await chat.dispose();
  });
});

describe("a picture that cannot be read", () => {
  it("is read again with the next question", async () => {
    let attempts = 0;
    const chat = session.chat({
      picture: async () => {
        if (attempts++ === 0) throw new Error("the network is away");
        return testPicture();
      },
    });

    await expect(chat.send(first)).rejects.toThrow("the network is away");
    await expect(chat.send(first, { maxTokens: 1 })).resolves.toMatchObject({ usage: { imageTokens: 16 } });
    expect(attempts).toBe(2);
    await chat.dispose();
  });
});

describe("dispose of a chat", () => {
  it("refuses later questions and may be called twice", async () => {
    const chat = session.chat();
    await chat.send(first, { maxTokens: 1 });
    await Promise.all([chat.dispose(), chat.dispose()]);

    await expect(chat.send(second)).rejects.toMatchObject({ code: "OPTION_INVALID", at: "chat" });
  });

  it("stops the answer under way", async () => {
    const chat = session.chat();
    const answering = chat.send(first, { maxTokens: 400 });
    const outcome = expect(answering).rejects.toMatchObject({ code: "ABORTED", at: "chat" });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await chat.dispose();

    await outcome;
  });

  it("does not wait for a reader who has stopped reading", async () => {
    const chat = session.chat();
    const stream = chat.stream(first, { maxTokens: 400 });
    await stream.next();
    await chat.dispose();

    await expect(stream.next()).rejects.toMatchObject({ code: "ABORTED", at: "chat" });
  });
});
