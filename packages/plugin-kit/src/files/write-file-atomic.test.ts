import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeFileAtomic } from "./write-file-atomic.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "atomic-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("replaces a file and leaves nothing beside it", async () => {
  await writeFile(join(folder, "page.html"), "old");

  await writeFileAtomic(join(folder, "page.html"), "new");

  expect(await readFile(join(folder, "page.html"), "utf8")).toBe("new");
  expect(await readdir(folder)).toEqual(["page.html"]);
});

test("makes the folder", async () => {
  await writeFileAtomic(join(folder, "a/b/page.html"), "new");

  expect(await readFile(join(folder, "a/b/page.html"), "utf8")).toBe("new");
});

test("makes no folder where it must not", async () => {
  const writing = writeFileAtomic(join(folder, "gone/page.html"), "new", { makeFolder: false });

  await expect(writing).rejects.toMatchObject({ code: "WRITE_FAILED" });
  expect(await readdir(folder)).toEqual([]);
});

test("says WRITE_FAILED and leaves nothing half-written where it cannot write", async () => {
  await mkdir(join(folder, "page.html"));

  const error = await writeFileAtomic(join(folder, "page.html"), "new").catch((reason) => reason);

  expect(error).toMatchObject({ code: "WRITE_FAILED", at: join(folder, "page.html") });
  expect(await readdir(folder)).toEqual(["page.html"]);
});
