import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeFolders } from "./make-folders-node.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fusion-folders-"));
});
afterEach(() => rm(folder, { recursive: true }));

it("makes what is missing and says where it began", async () => {
  const first = await makeFolders(join(folder, "a", "b", "c"));

  expect(first).toBe(join(folder, "a"));
  expect((await stat(join(folder, "a", "b", "c"))).isDirectory()).toBe(true);
  expect(await makeFolders(join(folder, "a"))).toBeUndefined();
});

it("refuses a file in the way", async () => {
  await writeFile(join(folder, "file"), "");

  await expect(makeFolders(join(folder, "file"))).rejects.toMatchObject({ code: "ENOTDIR" });
  await expect(makeFolders(join(folder, "file", "below"))).rejects.toMatchObject({ code: "ENOTDIR" });
});

it.runIf(process.platform === "linux")("ends where the system refuses every folder", async () => {
  await expect(makeFolders("/proc/fusion/folder")).rejects.toMatchObject({ code: "ENOENT" });
});
