import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LockFile } from "./lock-file.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fusion-lock-"));
});
afterEach(() => rm(folder, { recursive: true }));

const owner = (process: number, host = hostname()) => JSON.stringify({ process, host, token: "x" });
/** No system gives a process such a number. */
const nobody = 2 ** 22 + 1;

test("a folder has one lock; it is free again when it is released", async () => {
  const lock = await LockFile.take(folder);

  await expect(LockFile.take(folder)).rejects.toMatchObject({ code: "RESUME_REFUSED" });
  await lock.release();
  await (await LockFile.take(folder)).release();
  expect(await readdir(folder)).toEqual([]);
});

test("of ten that ask at once, one gets it", async () => {
  await writeFile(join(folder, "lock"), owner(nobody));

  const results = await Promise.allSettled(Array.from({ length: 10 }, () => LockFile.take(folder)));

  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(await readdir(folder)).toEqual(["lock"]);
});

test.each([
  ["a process that does not run any more", owner(nobody)],
  ["another process that had this one's number, as in a container that was restarted", owner(process.pid)],
  ["a text that says nothing", "?"],
])("a lock of %s is taken over", async (_of, contents) => {
  await writeFile(join(folder, "lock"), contents);

  const lock = await LockFile.take(folder);

  expect(JSON.parse(await readFile(lock.path, "utf8"))).toMatchObject({ process: process.pid, host: hostname() });
});

test.each([
  ["a process that runs", owner(process.ppid)],
  ["another machine, of which nobody here can tell", owner(nobody, "elsewhere")],
])("a lock of %s is left alone", async (_of, contents) => {
  await writeFile(join(folder, "lock"), contents);

  await expect(LockFile.take(folder)).rejects.toThrow(/expected a folder that no other training writes into/);
  expect(await readFile(join(folder, "lock"), "utf8")).toBe(contents);
});
