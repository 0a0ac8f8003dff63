import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SmallDisk, writeTinyModel } from "@fusion-vlm/core/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { TrainOptions } from "../options/train-options.ts";
import { EventChannel } from "./event-channel.ts";
import type { TrainEvent } from "./train-events.ts";
import { TrainLog } from "./train-log.ts";
import { trainModel } from "./train-model.ts";
import { colourRecords, writePictures, writeRecords } from "./training-data-for-tests.ts";

const { missing } = SmallDisk;

let place: string;
let disk: SmallDisk;
let base: TrainOptions & { maxSteps: number };

const noSpace = {
  code: "WRITE_FAILED",
  message: expect.stringMatching(
    /disk\/.*: expected .*, got (no space left on device|0 MB)|disk\/.*ENOSPC: no space left/,
  ),
  hint: expect.stringContaining("Free some space"),
};

describe.skipIf(missing)(`a disk that fills up${missing ? ` (${missing})` : ""}`, () => {
  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), "fusion-full-"));
    disk = SmallDisk.mount(join(place, "disk"), 4 * 2 ** 20);
    await writeTinyModel(join(place, "start"));
    await writePictures(place);
    const data = [await writeRecords(place, colourRecords())];
    base = {
      ...{ model: join(place, "start"), data, out: join(disk.path, "out"), batchSize: 4, latentCounts: [4] },
      ...{ worker: false, threads: 1, maxSteps: 16 },
    };
  });

  afterEach(async () => {
    disk.unmount();
    await rm(place, { recursive: true, force: true });
  });

  /** Trains; events may be waited for, as writing waits for their listener's disk. */
  async function train(listener: (event: TrainEvent) => void, options: Partial<TrainOptions> = {}) {
    return trainModel({ ...base, ...options, onEvent: listener });
  }

  test("while the model is written leaves its last checkpoint, which goes on when there is space", async () => {
    const options = { checkpointSteps: 15, keepCheckpoints: 1 };
    const filling = train((event) => event.type === "saving" && disk.fillNow(), options);

    await expect(filling).rejects.toMatchObject(noSpace);
    expect((await readdir(disk.path)).toSorted()).toEqual(["ballast", "out.training"]);
    disk.freeNow();
    const { resumedAt, steps } = await trainModel({ ...base, ...options });
    expect([resumedAt, steps]).toEqual([15, 16]);
    expect(await readdir(disk.path)).toEqual(["out"]);
  });

  test("in the middle of a checkpoint is a warning; the next one is written when there is space", async () => {
    const told: string[] = [];
    const checkpoints: number[] = [];
    await train(
      (event) => {
        if (event.type === "step" && event.step === 3) disk.fillNow();
        if (event.type === "step" && event.step === 6) disk.freeNow();
        if (event.type === "warning") told.push(event.message);
        if (event.type === "checkpoint") checkpoints.push(event.step);
      },
      { checkpointSteps: 4, keepCheckpoints: 1 },
    );

    expect(told).toContainEqual(
      expect.stringMatching(/^no checkpoint at step 4: .* The training goes on\. Free some space/),
    );
    expect(checkpoints).toEqual([8, 12, 16]);
    expect(await readdir(disk.path)).toEqual(["out"]);
  });

  test("before the first step ends the training, as nothing is lost by that", async () => {
    const [record] = colourRecords();
    const conversations = [record!.conversations[0], { from: "gpt", value: "blue ".repeat(200) }];
    const long = Array.from({ length: 99 }, (_, id) => ({ ...record, id: `${id}`, conversations }));
    await writeRecords(place, [record, ...long]); // all of them are named in the log, which takes more than 4096 bytes
    const steps: TrainEvent[] = [];
    const filling = train((event) => {
      if (event.type === "reading" && event.records === 1) disk.fillNow();
      if (event.type === "step") steps.push(event);
    });

    await expect(filling).rejects.toMatchObject(noSpace);
    expect(steps).toEqual([]);
    expect(await readdir(disk.path)).toEqual(["ballast"]);
  });

  test("in the middle stops no training: the log's lines wait, and are written when there is space", async () => {
    const told: string[] = [];
    const seen: TrainEvent[] = [];
    const { warnings } = await train((event) => {
      if (event.type === "step" && event.step === 1) disk.fillNow();
      if (event.type === "step" && event.step === 14) disk.freeNow();
      if (event.type === "warning") told.push(event.message);
      if (event.type === "step") seen.push(event);
    });

    const path = join(base.out, "train-log.jsonl");
    expect(told.toSorted()).toEqual([
      expect.stringMatching(/^.*out\.training\/train-log\.jsonl: the disk is full: .* the training goes on/),
      expect.stringMatching(
        /^.*out\.training\/training\.html: .*no space left.*; the training goes on without its page/,
      ),
    ]);
    expect(warnings).toEqual(told);
    const log = (await readFile(path, "utf8")).trimEnd().split("\n");
    expect(log.map((line) => JSON.parse(line)).filter(({ type }) => type === "step")).toEqual(seen);
    expect(JSON.parse(log.at(-1)!)).toMatchObject({ type: "end", steps: 16 });
  });

  test("and stays full is told while there is time to free some, and leaves the log", async () => {
    const told: string[] = [];
    const filling = train((event) => {
      if (event.type === "step" && event.step === 1) disk.fillNow();
      if (event.type === "warning") told.push(event.message);
    });

    await expect(filling).rejects.toMatchObject(noSpace);
    expect(told).toHaveLength(2); // of the log and of the page
    // No checkpoint was due: the log is all that is left of its steps.
    expect((await readdir(disk.path)).toSorted()).toEqual(["ballast", "out.training"]);
  });

  test("behind the model costs the end of the log, in whole lines, and not the model", async () => {
    const log = await TrainLog.open(disk.path);
    const told: TrainEvent[] = [];
    const channel = new EventChannel(log, "out", (event) => told.push(event));
    await channel.emit({ type: "saving", folder: "x".repeat(4000) });
    disk.fillNow();
    await channel.end({ type: "end", steps: 1, samples: 1, seconds: Number("1".repeat(300)), stoppedEarly: false });
    await log.close();

    const message = "out/train-log.jsonl: the disk is full, its last line is missing. The model is complete.";
    expect(channel.warnings).toEqual([message]);
    expect(told.at(-1)).toEqual({ type: "warning", message });
    const written = await readFile(join(disk.path, "train-log.jsonl"), "utf8");
    expect(written.split("\n").map((line) => line && JSON.parse(line).type)).toEqual(["saving", ""]);
  });
});
