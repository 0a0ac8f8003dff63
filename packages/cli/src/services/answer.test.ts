import type { AnswerEnd, AnswerPart } from "@fusion-vlm/core";
import { expect, test } from "vitest";
import { collectAnswer } from "./answer.ts";

const end: AnswerEnd = {
  type: "end",
  text: "A cat",
  finishReason: "stop",
  tokens: [5, 6, 7],
  usage: {
    promptTokens: 9,
    imageTokens: 0,
    latentTokens: 4,
    outputTokens: 3,
    cachedTokens: 0,
    instructionTruncated: false,
  },
  timing: { image: 0.123, vision: 1.26, prefill: 2, decode: 80.04, firstToken: 4, total: 84 },
};

async function* parts(...list: AnswerPart[]): AsyncGenerator<AnswerPart> {
  yield* list;
}

test("text is passed on as it comes, and the whole is returned with rounded times", async () => {
  const heard: string[] = [];

  const stream = parts({ type: "text-delta", text: "A" }, { type: "text-delta", text: " cat" }, end);
  const answer = await collectAnswer(stream, (text) => heard.push(text));

  expect(heard).toEqual(["A", " cat"]);
  expect(answer.timing).toMatchObject({ image: 0.1, vision: 1.3, decode: 80 });
  expect(answer.text).toBe("A cat");
  expect(answer).not.toHaveProperty("type");
});

test("the rate counts the tokens after the first, as only these are decoded", async () => {
  expect((await collectAnswer(parts(end), () => {})).tokensPerSecond).toBe(25);
  expect((await collectAnswer(parts({ ...end, tokens: [5] }), () => {})).tokensPerSecond).toBeNull();
});

test("a stream that ends without an end part is a broken promise of the SDK", async () => {
  const stream = parts({ type: "text-delta", text: "A" });

  await expect(collectAnswer(stream, () => {})).rejects.toMatchObject({ code: "INTERNAL" });
});
