import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FusionError } from "@fusion-vlm/core";
import { expect, test } from "vitest";
import { isDiskFull, writeError, writing } from "./write-error.ts";

test("tells what the system says against a path, in words, and what to do", async () => {
  const place = await mkdtemp(join(tmpdir(), "fusion-write-"));
  const path = join(place, "none/a.txt");

  const error = await writing(path, () => writeFile(path, "a"), { expected: "a file" }).catch((reason) => reason);
  await rm(place, { recursive: true });

  expect(error).toMatchObject({
    code: "WRITE_FAILED",
    at: path,
    message: `${path}: expected a file, got no such file or directory (ENOENT)`,
    hint: "Check the path and the disk, or write to another folder.",
    details: { errno: "ENOENT" },
  });
});

test("knows a full disk, and puts a remark behind the hint", () => {
  const cause = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });

  expect(isDiskFull(cause)).toBe(true);
  expect(isDiskFull(new Error("ENOSPC"))).toBe(false);
  expect(writeError("a", cause, { remark: "The rest is kept." })).toMatchObject({
    message: "a: expected a path that can be written, got no space left on device (ENOSPC)",
    hint: "Free some space on the disk, or write to another one. The rest is kept.",
  });
});

test("passes on what is no failure of writing", async () => {
  const bug = new TypeError("x is undefined");
  const own = new FusionError({ code: "ABORTED", at: "a", hint: "Do it again." });

  expect(writeError("a", bug)).toBe(bug);
  expect(writeError("a", own)).toBe(own);
  await expect(writing("a", async () => 7)).resolves.toBe(7);
});
