import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TrainLog } from "./train-log.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fusion-log-"));
});
afterEach(() => rm(folder, { recursive: true }));

const warning = (index: number) => ({ type: "warning", message: `${index}` }) as const;

test("lines that are written at once are all there, each once, in their order", async () => {
  const log = await TrainLog.open(folder);
  const messages = Array.from({ length: 50 }, (_, index) => index);

  await Promise.all(messages.map((index) => log.write(warning(index))));
  await log.close();

  const lines = (await readFile(log.path, "utf8")).trimEnd().split("\n");
  expect(lines.map((line) => Number(JSON.parse(line).message))).toEqual(messages);
  expect(log.bytes).toBe((await readFile(log.path)).length);
});

test("a log that goes on begins behind what belongs to the checkpoint", async () => {
  const first = await TrainLog.open(folder);
  await first.write(warning(1));
  const { bytes } = first;
  await first.write(warning(2));
  await first.close();

  const second = await TrainLog.open(folder, bytes);
  await second.write(warning(3));
  await second.close();

  const lines = (await readFile(second.path, "utf8")).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).message)).toEqual(["1", "3"]);
});
