import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readBuiltinQuestions } from "./builtin-questions.ts";
import { HeldoutFolder, heldoutRecord } from "./heldout-for-tests.ts";

let folder: HeldoutFolder;
beforeAll(async () => {
  folder = await HeldoutFolder.create();
});
afterAll(() => folder.remove());

const turn = (from: string, value: string) => ({ from, value });
const record = heldoutRecord("a-1", 0, "SynthColor", "What colour?", "red");

describe("readBuiltinQuestions", () => {
  test("reads records of one question and of several, with their kinds, without the picture's marker", async () => {
    const conversations = [
      turn("human", "<image>\nHow many?"),
      turn("gpt", "two"),
      turn("human", "Where?"),
      turn("gpt", "left"),
    ];
    await folder.write([record, { id: 7, image: "images/1.png", kinds: ["count", "spatial"], conversations }]);

    const { questions, file } = await readBuiltinQuestions(folder.path);

    const image = folder.join("images/1.png");
    expect(file).toBe(folder.join("heldout.json"));
    expect(questions).toEqual([
      {
        id: "a-1",
        turn: 0,
        kind: "SynthColor",
        image: folder.join("images/0.png"),
        question: "What colour?",
        expected: "red",
      },
      { id: "7", turn: 0, kind: "count", image, question: "How many?", expected: "two" },
      { id: "7", turn: 1, kind: "spatial", image, question: "Where?", expected: "left" },
    ]);
  });

  test("a limit takes questions from the front, and only their pictures must be there", async () => {
    await folder.write([record, { ...record, id: "b", image: "images/gone.png" }]);

    expect((await readBuiltinQuestions(folder.path, 1)).questions.map(({ id }) => id)).toEqual(["a-1"]);
  });

  test("the file itself can be named; its fingerprint follows its bytes", async () => {
    await folder.write([record]);
    const first = await readBuiltinQuestions(folder.join("heldout.json"));
    await folder.write([{ ...record, id: "a-2" }]);
    const second = await readBuiltinQuestions(folder.path);

    expect(first.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    expect(second.fingerprint).not.toBe(first.fingerprint);
  });

  test.each([
    ["no JSON", '[{"id": "a', "OPTION_INVALID", /heldout.json: expected JSON, got .*JSON/],
    ["no array", {}, "OPTION_INVALID", /expected an array of records, got object/],
    ["nothing", [], "OPTION_INVALID", /expected at least one record, got none/],
    ["no picture", [{ ...record, image: undefined }], "OPTION_INVALID", /record 0: .* got image: /],
    [
      "a turn too few",
      [record, { ...record, conversations: [...record.conversations, turn("human", "?")] }],
      "OPTION_INVALID",
      /record 1: expected human and gpt in turn, got human, gpt, human/,
    ],
    [
      "a blank question",
      [{ ...record, conversations: [turn("human", "<image>\n"), turn("gpt", "red")] }],
      "OPTION_INVALID",
      /record 0, turn 0: expected a question/,
    ],
    [
      "kinds that do not fit",
      [{ ...record, kinds: ["a", "b"] }],
      "OPTION_INVALID",
      /record 0: expected 1 kinds.* got 2/,
    ],
    ["an id twice", [record, record], "OPTION_INVALID", /an id of its own for each record, got a-1 twice/],
    [
      "a picture outside",
      [{ ...record, image: "../secret.png" }],
      "OPTION_INVALID",
      /a picture inside the folder of the file, got ..\/secret.png/,
    ],
    ["an absolute picture", [{ ...record, image: "/etc/secret.png" }], "OPTION_INVALID", /a picture inside the folder/],
    [
      "a missing picture",
      [{ ...record, image: "images/gone.png" }],
      "IMAGE_NOT_FOUND",
      /gone.png: expected a picture, got nothing$/,
    ],
  ])("refuses %s", async (_what, contents, code, message) => {
    await folder.write(contents);

    const error = await readBuiltinQuestions(folder.path).catch((reason) => reason);

    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.hint).not.toBe("");
  });

  test("says how to make a file that is not there", async () => {
    const error = await readBuiltinQuestions(folder.join("nowhere")).catch((reason) => reason);

    expect(error).toMatchObject({ code: "OPTION_INVALID", at: folder.join("nowhere") });
    expect(error.hint).toContain("fusion data synth");
  });
});
