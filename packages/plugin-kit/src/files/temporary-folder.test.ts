import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { temporaryFolder } from "./temporary-folder.ts";

let place: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "temporary-"));
  vi.stubEnv("TMPDIR", place);
  vi.stubEnv("TEMP", place);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(place, { recursive: true });
});

test("what a killed process left behind is removed, and nothing else", async () => {
  const { pid: ended } = spawnSync(process.execPath, ["-e", ""]);
  const names = [`fusion-${ended}-Ab12Cd`, `fusion-${process.pid}-Ab12Cd`, `fusion-${ended}-mine`, "fusion-Ab12Cd"];
  for (const name of names) {
    await mkdir(join(place, name));
    await writeFile(join(place, name, "config.json"), "{}");
  }

  const { remove } = await temporaryFolder();
  await remove();

  expect((await readdir(place)).sort()).toEqual(names.slice(1).sort());
});
