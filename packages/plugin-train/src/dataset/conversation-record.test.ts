import { expect, test } from "vitest";
import { parseConversation } from "./conversation-record.ts";

const parse = (record: unknown) => parseConversation(Buffer.from(JSON.stringify(record)), "train.json: record 3");
const human = (value: unknown) => ({ from: "human", value });
const gpt = (value: unknown) => ({ from: "gpt", value });

test("takes the placeholder out, wherever LLaVA puts it", () => {
  for (const value of ["<image>\nWhat is it?", "What is it?\n<image>", " <image>What is it? "]) {
    const { turns, image } = parse({
      id: 7,
      image: "a.png",
      kind: "x",
      conversations: [human(value), gpt(" A cat. ")],
    });
    expect([image, turns]).toEqual(["a.png", [{ question: "What is it?", answer: "A cat." }]]);
  }
});

test("keeps the turns of a conversation without a picture", () => {
  expect(parse({ conversations: [human("1+1?"), gpt("2"), human("2+2?"), gpt("4")] })).toEqual({
    turns: [
      { question: "1+1?", answer: "2" },
      { question: "2+2?", answer: "4" },
    ],
  });
});

test.each([
  ["a list", [], /^train\.json: record 3: expected an object, got \[\]/],
  ["no conversation", { id: "a" }, /record 3, conversations: expected a list of turns, got none beside id$/],
  ["an empty conversation", { conversations: [] }, /a list of turns, got \[\]/],
  [
    "an answer first",
    { conversations: [gpt("A"), human("B")] },
    /conversations\[0\]\.from: expected "human", got "gpt"/,
  ],
  ["two questions in a row", { conversations: [human("A"), human("B")] }, /conversations\[1\]\.from: expected "gpt"/],
  [
    "a turn that is nothing",
    { conversations: [null, gpt("A")] },
    /conversations\[0\]: expected \{ from, value \}, got null/,
  ],
  ["a turn that is a text", { conversations: ["A", "B"] }, /conversations\[0\]: expected \{ from, value \}, got "A"/],
  [
    "a path that no system has",
    { image: "a\0b", conversations: [human("A"), gpt("B")] },
    /image: expected the path of one/,
  ],
  [
    "an address",
    { image: "https://a.org/b.png", conversations: [human("A"), gpt("B")] },
    /got "https:\/\/a\.org\/b\.png"/,
  ],
  ["a question without an answer", { conversations: [human("A")] }, /conversations\[1\]: expected a turn from gpt/],
  [
    "a value that is no text",
    { conversations: [human(1), gpt("A")] },
    /conversations\[0\]\.value: expected a text, got 1/,
  ],
  ["a blank question", { image: "a", conversations: [human("<image>\n "), gpt("A")] }, /\[0\]: expected a question/],
  ["a blank answer", { conversations: [human("A"), gpt(" ")] }, /conversations\[1\]: expected an answer/],
  ["two pictures", { image: ["a", "b"], conversations: [human("A"), gpt("B")] }, /image: expected the path of one/],
  ["a placeholder without a picture", { conversations: [human("<image>\nA"), gpt("B")] }, /image: expected a picture/],
])("refuses %s", (_what, record, message) => {
  expect(() => parse(record)).toThrow(message);
});

test("refuses JSON that is broken, and bytes that are no UTF-8", () => {
  expect(() => parseConversation(Buffer.from('{"a" 1}'), "train.json: record 3")).toThrow(
    /record 3: expected JSON, got a mistake in it \(Expected ':'/,
  );
  expect(() => parseConversation(Buffer.from("{"), "data.jsonl: line 1")).toThrow(
    /line 1: expected a whole record, got \{ alone/,
  );
  expect(() => parseConversation(Buffer.from('{"a":"r\xe9d"}', "latin1"), "x")).toThrow(
    'x: expected text in UTF-8, got bytes that are not, behind "{\\"a\\":\\"r"',
  );
});
