import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { float32 } from "../tensor/index.ts";
import { maxRelativeError } from "../testing/index.ts";
import { planConversation, planTurn, type Segment } from "../text/index.ts";
import { answerSegment } from "./chat-context.ts";
import { openSession, type TestSession } from "./sessions-for-tests.ts";

const first = "What is in the picture?";
const second = "Why?";
const difference = (a: Float32Array, b: Float32Array) =>
  maxRelativeError(float32([a.length], a), float32([b.length], b));

/** A tiny model whose long frequencies, far from the short ones, begin after `original` rows. */
function longrope(original: number): Promise<TestSession> {
  return openSession({
    config: {
      max_position_embeddings: 600,
      tokenizer_model_max_length: 600,
      original_max_position_embeddings: original,
      rope_scaling: { type: "longrope", short_factor: [1, 1.1, 1.2, 1.3], long_factor: [1.5, 3, 6, 12] },
    },
  });
}

async function conversation(session: TestSession) {
  const { tokenizer, template } = session.context;
  const plan = planConversation({
    tokenizer,
    template,
    turns: [{ question: first }],
    hasImage: true,
    semantics: "paper",
  });
  const later = planTurn({ tokenizer, template, question: second, answerClosed: false });
  const imageTokens = await session.imageTokens(plan.instruction);
  return { segments: plan.segments, later, imageTokens };
}

let promptRows: number;
beforeAll(async () => {
  const session = await longrope(500);
  const { usage } = await session.chat().send(first, { maxTokens: 1 });
  promptRows = usage.promptTokens;
  await session.dispose();
});

let session: TestSession;
afterEach(() => session.dispose());

/** Every call's logits against the whole sequence so far, computed at once. */
async function expectRecomputed(
  before: readonly Segment[],
  tokens: readonly number[],
  imageTokens: Awaited<ReturnType<typeof conversation>>["imageTokens"],
) {
  for (const [i, { logits }] of session.engine.take().entries()) {
    const whole = await session.recompute([...before, answerSegment(tokens.slice(0, i))], imageTokens);
    expect(difference(logits, whole)).toBeLessThan(1e-5);
  }
}

describe("a conversation that passes longrope's original length", () => {
  it("in an answer is recomputed once with the long frequencies, then goes on upon the new cache", async () => {
    session = await longrope(promptRows + 2);
    const { segments, imageTokens } = await conversation(session);

    const { tokens } = await session.chat().send(first, { maxTokens: 6 });

    expect(session.engine.calls.map(({ kind }) => kind)).toEqual([
      "prefill",
      "decode",
      "decode",
      "prefill",
      "decode",
      "decode",
    ]);
    await expectRecomputed(segments, tokens, imageTokens);
  });

  it("in a later question is recomputed with it, on the first question's image tokens", async () => {
    session = await longrope(promptRows + 10);
    const { segments, later, imageTokens } = await conversation(session);
    const chat = session.chat();
    const answer = await chat.send(first, { maxTokens: 3 });
    session.engine.take();

    const { tokens, usage } = await chat.send(second, { maxTokens: 3 });

    expect(session.engine.calls.map(({ kind }) => kind)).toEqual(["prefill", "decode", "decode"]);
    expect(usage).toMatchObject({ cachedTokens: 0, imageTokens: 16, latentTokens: 8 });
    await expectRecomputed([...segments, answerSegment(answer.tokens), ...later], tokens, imageTokens);
  });

  it("in the answer to a later question goes back to the short frequencies when that question is taken back", async () => {
    const reference = await longrope(500);
    const { usage } = await (async () => {
      const chat = reference.chat();
      await chat.send(first, { maxTokens: 3 });
      return chat.send(second, { maxTokens: 1 });
    })();
    await reference.dispose();
    session = await longrope(usage.cachedTokens + usage.promptTokens + 2);
    const { segments, later, imageTokens } = await conversation(session);
    const chat = session.chat();
    const answer = await chat.send(first, { maxTokens: 3 });
    session.engine.take();

    for await (const _ of chat.stream(second, { maxTokens: 40 })) {
      if (session.engine.calls.some(({ kind }) => kind === "prefill")) break;
    }
    expect(
      session.engine
        .take()
        .map(({ kind }) => kind)
        .slice(0, 4),
    ).toEqual(["extend", "decode", "decode", "prefill"]);

    const { tokens } = await chat.send(second, { maxTokens: 5 });
    expect(session.engine.calls.map(({ kind }) => kind)).toEqual(["extend", "decode", "decode", "prefill", "decode"]);
    await expectRecomputed([...segments, answerSegment(answer.tokens), ...later], tokens, imageTokens);
  });
});
