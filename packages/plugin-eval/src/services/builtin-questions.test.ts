import { execFileSync } from "node:child_process";
import { symlink } from "node:fs/promises";
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

  const asked = JSON.stringify([record]);
  const cases: [what: string, contents: unknown, message: RegExp][] = [
    ["JSON that is cut off", asked.slice(0, -20), /heldout\.json: expected an array of records in JSON, got a mistake/],
    ["a mistake, by its line", '[\n{"id" 1}]', /got a mistake in line 2 \(Expected ':'/],
    ["JSON lines", `${JSON.stringify(record)}\n${JSON.stringify(record)}\n`, /got a mistake in line 2/],
    ["nothing at all", " \n", /got an empty file$/],
    [
      "Latin-1",
      Buffer.from('[\n"r\xe9d"]', "latin1"),
      /text in UTF-8, got bytes that are not, in line 2 behind "\[\\n\\"r"$/,
    ],
    ["UTF-16", Buffer.from(`\ufeff${asked}`, "utf16le"), /expected text in UTF-8, got UTF-16 text$/],
    ["an object", { data: [] }, /expected an array of records, got an object with data$/],
    ["null", "null", /expected an array of records, got null$/],
    ["an empty array", [], /expected at least one record, got an empty array$/],
    ["a record that is none", [record, null], /heldout\.json: record 2: expected an object, got null$/],
    ["no id", [{ ...record, id: undefined }], /record 1, id: expected a text or a whole number, got nothing$/],
    ["no picture", [{ ...record, image: 5 }], /record 1, image: expected the path of a picture, got 5$/],
    [
      "no conversation",
      [{ ...record, conversations: [] }],
      /record 1, conversations: expected a list of at least .* got \[\]$/,
    ],
    [
      "a turn that is none",
      [{ ...record, conversations: [null, 1] }],
      /conversations\[0\]: expected \{ from, value \}, got null$/,
    ],
    [
      "a stranger",
      [{ ...record, conversations: [turn("user", "?"), turn("gpt", "a")] }],
      /\[0\]\.from: expected "human" or "gpt", got "user"$/,
    ],
    [
      "a turn too few",
      [record, { ...record, conversations: [...record.conversations, turn("human", "?")] }],
      /record 2: expected human and gpt in turn, got human, gpt, human$/,
    ],
    [
      "a blank question",
      [{ ...record, conversations: [turn("human", "<image>\n"), turn("gpt", "red")] }],
      /record 1, turn 0: expected a question/,
    ],
    ["kinds that do not fit", [{ ...record, kinds: ["a", "b"] }], /record 1: expected 1 kinds.* got 2/],
    ["an id twice", [record, record], /an id of its own for each record, got a-1 twice/],
    [
      "a picture outside",
      [{ ...record, image: "../secret.png" }],
      /a picture inside the folder of the file, got \.\.\/secret\.png/,
    ],
    ["an absolute picture", [{ ...record, image: "/etc/secret.png" }], /a picture inside the folder/],
    [
      "a picture that is a folder",
      [{ ...record, image: "images" }],
      /images: expected a picture file, got something else$/,
    ],
  ];

  test.each(cases)("refuses %s", async (_what, contents, message) => {
    await folder.write(contents);

    const error = await readBuiltinQuestions(folder.path).catch((reason) => reason);

    expect(error).toMatchObject({ code: "DATASET_INVALID", message: expect.stringMatching(message) });
    expect(error.hint).not.toBe("");
  });

  test("refuses a missing picture, and counts them", async () => {
    await folder.write([1, 2].map((id) => ({ ...record, id, image: `images/gone-${id}.png` })));

    await expect(readBuiltinQuestions(folder.path)).rejects.toMatchObject({
      code: "IMAGE_NOT_FOUND",
      message: expect.stringMatching(/gone-1\.png: expected a picture, got nothing, as for 1 more of 2$/),
    });
  });

  test.skipIf(process.platform === "win32")("refuses links that lead out, pipes and devices", async () => {
    await symlink("/dev/zero", folder.join("images/link.png"));
    await folder.write([{ ...record, image: "images/link.png" }]);
    await expect(readBuiltinQuestions(folder.path)).rejects.toThrow(/link\.png: .* got a link that leads out$/);

    execFileSync("mkfifo", [folder.join("pipe.json")]);
    await expect(readBuiltinQuestions(folder.join("pipe.json"))).rejects.toThrow(/got a device, pipe or socket$/);
    await expect(readBuiltinQuestions("/dev/zero")).rejects.toThrow(/got a device, pipe or socket$/);
  });

  test("reads what an editor has put a byte order mark in front of", async () => {
    await folder.write(`\ufeff${asked}`);

    expect((await readBuiltinQuestions(folder.path)).questions).toHaveLength(1);
  });

  test("says how to make a file that is not there", async () => {
    const error = await readBuiltinQuestions(folder.join("nowhere")).catch((reason) => reason);

    expect(error).toMatchObject({ code: "DATASET_INVALID", at: folder.join("nowhere") });
    expect(error.hint).toContain("fusion data synth");
  });
});
