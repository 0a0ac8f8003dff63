import { readdir, readFile, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { writeTinyModel } from "@fusion-vlm/core/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Workplace } from "./fusion-for-tests.ts";

/** Each starts a process that loads the engine. */
const kills = 30;

let place: Workplace;

beforeAll(async () => {
  place = await Workplace.open("linked");
  await writeTinyModel(place.path("model"));
  place.fusion(["data", "synth", "--out", "set", "--count", "24", "--heldout", "2", "--size", "32", "--seed", "3"]);
});

afterAll(() => place.close());

/** Three stages, a checkpoint every other step, so that kills come while one is written too. */
function command(out: string): string[] {
  const data = ["1=set/captions.json", "1.5=set/captions.json", "1.5=set/train.json", "2=set/train.json"];
  return [
    ...["train", "--stage", "all", ...data.flatMap((file) => ["--data", file])],
    ...["--model", "model", "--out", out, "--threads", "1", "--seed", "4", "--latents", "4", "--batch-size", "4"],
    ...["--epochs", "20", "--max-steps", "30", "--learning-rate", "1e-3", "--checkpoint-steps", "2"],
    ...["--heldout", "set/heldout.json", "--evaluate-every", "7"],
  ];
}

/** Numbers from 0 to 1 that are the same in every run of the test. */
function* drawn(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    yield state / 2 ** 31;
  }
}

test(`a three-stage training that is killed ${kills} times ends with the bits of one that is not, and leaves nothing`, {
  timeout: 900_000,
}, async () => {
  const began = performance.now();
  expect(place.fusion(command("whole")).exitCode).toBe(0);
  const undisturbed = performance.now() - began;

  const moments = drawn(11);
  let killed = 0;
  let outs = 0;
  const wrong: string[] = [];
  const expected = await readFile(place.path("whole/model.safetensors"));
  for (let out = "out-0"; killed < kills; ) {
    const running = place.start(command(out));
    await Promise.race([running.end, sleep(moments.next().value! * undisturbed * 0.8)]);
    running.process.kill("SIGKILL");
    const { exitCode, stderr } = await running.end;
    if (exitCode === null) killed += 1;
    else if (exitCode !== 0) throw new Error(stderr);
    if (exitCode === 0 || killed === kills) {
      const { exitCode: last, stderr: words } = place.fusion(command(out));
      if (last !== 0) throw new Error(words);
      if (!(await readFile(place.path(out, "model.safetensors"))).equals(expected)) wrong.push(out);
      outs += 1;
      out = `out-${outs}`;
    }
  }

  expect(wrong).toEqual([]);
  const kept = (await readdir(place.folder)).filter((name) => !["model", "set", "whole", ".home"].includes(name));
  expect(kept.sort()).toEqual(Array.from({ length: outs }, (_, index) => `out-${index}`).sort());
  expect((await readdir(place.path("out-0"))).sort()).toEqual((await readdir(place.path("whole"))).sort());
  expect(await place.leftovers()).toEqual([]);
});

test("a data file that is another one when the training goes on is refused by name, and the old one goes on", async () => {
  const running = place.start(command("changed"));
  await running.until("stderr", /step \d+ /);
  running.process.kill("SIGKILL");
  await running.end;
  const file = place.path("set/train.json");
  const contents = await readFile(file);
  await writeFile(file, contents.toString().replace("yes", "no"));
  const refused = place.fusion(["train", "resume", "changed"]);
  await writeFile(file, contents);

  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toMatch(/^Error: .*changed\.training: .*training\[1\]\.sha256: /m);
  expect(refused.stderr).not.toMatch(/stage 1: model/); // before anything is trained
  expect(refused.stderr).toMatch(/\nCode: RESUME_REFUSED\n/);
});
