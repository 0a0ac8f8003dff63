import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Workplace } from "./fusion-for-tests.ts";

// Trains for real, on a machine that may be busy.
vi.setConfig({ testTimeout: 300_000 });

let place: Workplace;

beforeEach(async () => {
  place = await Workplace.open("linked");
  await mkdir(place.path("work"));
});

afterEach(() => place.close());

/** Most bytes that a process was resident with so far; what was known before once it has ended. */
function peakOf(pid: number, known: number): number {
  try {
    return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) || known;
  } catch {
    return known;
  }
}

test.runIf(process.platform === "linux")("a training takes the memory that was estimated, within 15 %", async () => {
  const turns = Array.from({ length: 4 }, (_, index) => [
    { from: "human", value: `What colour is the ball number ${index}?` },
    { from: "gpt", value: "It is red." },
  ]);
  await writeFile(place.path("data.jsonl"), `${JSON.stringify({ conversations: turns.flat() })}\n`.repeat(48));
  const common = ["--data", "data.jsonl", "--preset", "nano", "--latents", "16", "--max-steps", "3"];
  const estimated = await place.start(["train", "estimate", ...common, "--json"]).end;

  const command = place.start(["train", ...common, "--out", "work/out"]);
  let peak = 0;
  while (command.process.exitCode === null) {
    peak = peakOf(command.process.pid!, peak);
    await sleep(50);
  }

  expect((await command.end).exitCode).toBe(0);
  const { memory } = JSON.parse(estimated.stdout).stages[0];
  expect(peak / memory.total).toBeGreaterThan(0.85);
  expect(peak / memory.total).toBeLessThan(1.15);
});
