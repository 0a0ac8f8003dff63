import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FileProblem, readFileWithin, readJsonFile } from "./index-node.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "files-"));
});
afterEach(() => rm(folder, { recursive: true }));

class Refused extends Error {
  constructor(readonly problem: FileProblem) {
    super(problem.actual);
  }
}

const problemOf = (read: Promise<unknown>): Promise<FileProblem> =>
  read.then(
    () => {
      throw new Error("nothing was refused");
    },
    (error: Refused) => error.problem,
  );
const refuse = (problem: FileProblem) => new Refused(problem);

async function write(content: string | Uint8Array): Promise<string> {
  const path = join(folder, "file.json");
  await writeFile(path, content);
  return path;
}

describe("a JSON file", () => {
  it("is read up to the limit", async () => {
    expect(await readJsonFile(await write('{"a":1}'), 7, refuse)).toEqual({ a: 1 });
    expect(await problemOf(readJsonFile(await write('{"a":1}'), 6, refuse))).toMatchObject({
      kind: "too large",
      expected: "at most 6 bytes",
      actual: "7 bytes",
    });
  });

  it.each<[string, string | Uint8Array, string]>([
    ["empty", " \n", "an empty file"],
    ["cut off", '{"a":', "a file that is cut off"],
    ["no JSON", "<html>", "text that is not JSON"],
    ["a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer, not the file itself"],
    ["not UTF-8", Uint8Array.of(0x7b, 0xff, 0x7d), "bytes that are not UTF-8"],
  ])("that is %s is told as such", async (_case, content, actual) => {
    const problem = await problemOf(readJsonFile(await write(content), 1000, refuse));

    expect(problem).toMatchObject({ kind: "not JSON", expected: "JSON in UTF-8", actual });
  });
});

describe("what is no file", () => {
  it("is missing or a directory", async () => {
    const nowhere = await problemOf(readFileWithin(join(folder, "nope"), 10, refuse));

    expect(nowhere).toMatchObject({ kind: "missing", actual: "ENOENT" });
    expect(await problemOf(readFileWithin(folder, 10, refuse))).toMatchObject({
      kind: "not a file",
      actual: "a directory",
    });
  });

  it.skipIf(process.platform === "win32")("is a named pipe, which is never opened", async () => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);

    expect(await problemOf(readFileWithin(pipe, 10, refuse))).toMatchObject({
      kind: "not a file",
      actual: "a device, pipe or socket",
    });
  });
});
