import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { OutputFolder } from "./output-folder.ts";

let place: string;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "fusion-output-"));
});

afterEach(() => rm(place, { recursive: true, force: true }));

/** The id of a process that has ended. */
function endedProcess(): number {
  return spawnSync(process.execPath, ["--version"]).pid;
}

test("appears under its name when it is published", async () => {
  const folder = await OutputFolder.create(join(place, "new/out"));
  await writeFile(join(folder.path, "a.txt"), "a");
  expect(await readdir(join(place, "new"))).toEqual([expect.stringMatching(/^\.out\.\d+-[0-9a-f]{8}\.partial$/)]);

  await folder.publish();
  await folder.remove(); // a clean-up behind it takes nothing away

  expect(await readdir(join(place, "new"))).toEqual(["out"]);
  expect(await readFile(join(place, "new/out/a.txt"), "utf8")).toBe("a");
});

test("takes the place of an empty folder", async () => {
  await mkdir(join(place, "out"));
  const folder = await OutputFolder.create(join(place, "out"));
  await writeFile(join(folder.path, "a.txt"), "a");
  await folder.publish();

  expect(await readdir(join(place, "out"))).toEqual(["a.txt"]);
});

test("leaves nothing when it is removed: no parents that it has made, but those that somebody else uses", async () => {
  const folder = await OutputFolder.create(join(place, "a/b/out"));
  await folder.remove();
  expect(await readdir(place)).toEqual([]);

  const other = await OutputFolder.create(join(place, "a/b/out"));
  await writeFile(join(place, "a/mine.txt"), "mine");
  await other.remove();
  expect(await readdir(join(place, "a"))).toEqual(["mine.txt"]);
});

test("goes with its process", () => {
  const source = new URL("../../dist/index.js", import.meta.url).href;
  const program = `const { OutputFolder } = await import(${JSON.stringify(source)});
    await OutputFolder.create(${JSON.stringify(join(place, "made/out"))});
    process.exit(7);`;
  const { status } = spawnSync(process.execPath, ["--input-type=module", "--eval", program]);

  expect(status).toBe(7);
  return expect(readdir(place)).resolves.toEqual([]);
});

test("names what killed processes have left on their way to the same name, and lets it be", async () => {
  const dead = endedProcess();
  const left = [`.out.${dead}-0123abcd.partial`, `.out.${dead}-4567abcd.partial`];
  const others = [`.out.${process.pid}-0123abcd.partial`, `.other.${dead}-0123abcd.partial`, ".out.mine.partial"];
  for (const name of [...left, ...others]) await mkdir(join(place, name));

  const folder = await OutputFolder.create(join(place, "out"));
  await folder.publish();

  expect(folder.abandoned).toEqual(left.map((name) => join(place, name)));
  expect(await readdir(place)).toEqual(expect.arrayContaining([...left, ...others, "out"]));
});

test.each([
  [
    "a folder with something in it",
    "full",
    /full: expected an empty folder or a new one, got a folder with mine\.txt$/,
  ],
  ["a file", "file", /file: expected an empty folder or a new one, got a file in its place$/],
  ["a place below a file", "file/below", /below: expected an empty folder or a new one, got a file in its place$/],
])("refuses %s, and lets it be", async (_what, name, message) => {
  await mkdir(join(place, "full"));
  await writeFile(join(place, "full/mine.txt"), "mine");
  await writeFile(join(place, "file"), "mine");
  const before = await readdir(place, { recursive: true });

  const error = await OutputFolder.create(join(place, name)).catch((reason) => reason);

  expect(error).toMatchObject({ code: "WRITE_FAILED", message: expect.stringMatching(message) });
  expect(error.hint).toBe("Give another folder, or remove this one.");
  expect(await readdir(place, { recursive: true })).toEqual(before);
});

test("refuses an empty name, and more bytes than the disk has", async () => {
  await expect(OutputFolder.create("")).rejects.toMatchObject({ code: "WRITE_FAILED", at: '""' });
  await expect(OutputFolder.create(join(place, "out"), 1e18)).rejects.toMatchObject({
    code: "WRITE_FAILED",
    message: expect.stringMatching(/out: expected 1000000000000 MB of free space, got \d+ MB$/),
  });
  expect(await readdir(place)).toEqual([]);
});

test("does not take a place that somebody else has taken meanwhile", async () => {
  const folder = await OutputFolder.create(join(place, "out"));
  await mkdir(join(place, "out"));
  await writeFile(join(place, "out/theirs.txt"), "theirs");

  await expect(folder.publish()).rejects.toMatchObject({ code: "WRITE_FAILED" });
  await folder.remove();
  expect(await readdir(join(place, "out"))).toEqual(["theirs.txt"]);
});
