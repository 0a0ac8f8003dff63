import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Prediction, PredictionsFile, type PredictionsHeader } from "./predictions-file.ts";

const header: PredictionsHeader = {
  benchmark: "builtin",
  data: "d",
  model: "m",
  device: "cpu",
  semantics: "paper",
  latents: 4,
  imageTokens: 16,
  maxTokens: 16,
};

function prediction(id: string): Prediction {
  return { id, turn: 0, blank: false, kind: "k", question: "q", expected: "red", answer: "rot", correct: false };
}

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "predictions-"));
  path = join(folder, "out/predictions.jsonl");
});
afterEach(() => rm(folder, { recursive: true }));

async function write(...ids: string[]): Promise<void> {
  const file = await PredictionsFile.open(path, header);
  for (const id of ids) await file.append(prediction(id));
  await file.close();
}

async function open(options: { header?: PredictionsHeader; restart?: boolean } = {}) {
  const file = await PredictionsFile.open(path, options.header ?? header, options.restart);
  await file.close();
  return file.earlier.map(({ id }) => id);
}

test("is a header and a line for each prediction", async () => {
  await write("a", "b");

  const lines = (await readFile(path, "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toEqual([header, prediction("a"), prediction("b")]);
});

test("goes on where an earlier run stopped, after a line that was cut off", async () => {
  await write("a");
  await appendFile(path, '{"id":"b","tu');

  await write("c");

  expect(await open()).toEqual(["a", "c"]);
});

test("a header that was cut off begins anew", async () => {
  await write();
  await writeFile(path, JSON.stringify(header).slice(0, 20));

  await write("a");

  expect(await open()).toEqual(["a"]);
});

test("does not mix runs: it names what differs", async () => {
  await write("a");

  const error = await open({ header: { ...header, model: "other", maxTokens: 8 } }).catch((reason) => reason);

  expect(error).toMatchObject({ code: "OPTION_INVALID", at: path });
  expect(error.message).toContain("those of another run (model, maxTokens differ)");
  expect(await open()).toEqual(["a"]);
});

test("drops an earlier run when told to", async () => {
  await write("a");

  expect(await open({ header: { ...header, model: "other" }, restart: true })).toEqual([]);
  expect((await readFile(path, "utf8")).trimEnd()).toBe(JSON.stringify({ ...header, model: "other" }));
});

test.each(["a letter to a friend", "a letter\nto a friend\n"])(
  "leaves a file alone that is not its own: %j",
  async (text) => {
    await write();
    await writeFile(path, text);

    await expect(open()).rejects.toMatchObject({ code: "OPTION_INVALID" });
    expect(await readFile(path, "utf8")).toBe(text);
  },
);

test("names the line that is damaged", async () => {
  await write("a", "b");
  await writeFile(path, (await readFile(path, "utf8")).replace('"answer":"rot"', '"answer":5'));

  await expect(open()).rejects.toThrow(`${path}: line 2: `);
});

test("says WRITE_FAILED where no file can be", async () => {
  await writeFile(join(folder, "out"), "a file where the folder should be");

  await expect(open()).rejects.toMatchObject({ code: "WRITE_FAILED" });
});
