import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SmallDisk } from "@fusion-vlm/core/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { beginEvent, stepEvent } from "./events-for-tests.ts";
import { LivePage, type LivePageOptions } from "./live-page.ts";

const { missing } = SmallDisk;
const end = { type: "end", steps: 2, samples: 32, seconds: 5, stoppedEarly: false } as const;

let folder: string;
let warnings: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "live-page-"));
  warnings = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = (options: Partial<LivePageOptions> = {}) =>
  LivePage.open({ path: join(folder, "training.html"), onWarning: (message) => warnings.push(message), ...options });
const content = (path = join(folder, "training.html")) => readFile(path, "utf8");

describe("LivePage", () => {
  test("is there after the first step, and not before", async () => {
    const page = await open();

    page.onEvent(beginEvent());
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await readdir(folder)).toEqual([]);

    page.onEvent(stepEvent(1));
    await vi.waitFor(async () => expect(await content()).toContain("Running: step 1 of 1000"));
    await page.close();
  });

  test("is written every so often, with what came last, also when nothing follows", async () => {
    const page = await open({ every: 40 });
    page.onEvent(beginEvent());

    for (let step = 1; step <= 500; step++) page.onEvent(stepEvent(step));

    await vi.waitFor(async () => expect(await content()).toContain("Running: step 500 of 1000"));
    await page.close();
    expect(await readdir(folder)).toEqual(["training.html"]);
  });

  test("does not write while the interval lasts, but always when it is closed", async () => {
    const page = await open({ every: 1e6 });
    for (const event of [beginEvent(), stepEvent(1)]) page.onEvent(event);
    await vi.waitFor(async () => expect(await content()).toContain("step 1 of"));

    page.onEvent(stepEvent(2));
    page.onEvent(end);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await content()).toContain("Running: step 1 of");

    await page.close();
    expect(await content()).toContain("Finished: 2 steps");
    expect(await content()).not.toContain("refresh");
  });

  test("tells why a training has stopped that did not end", async () => {
    const page = await open();
    for (const event of [beginEvent(), stepEvent(1)]) page.onEvent(event);

    await page.close("Ctrl-C");

    expect(await content()).toContain("Stopped at step 1 of 1000. Ctrl-C. Written");
  });

  test("a training without a step leaves no page", async () => {
    const page = await open();
    page.onEvent(beginEvent());

    await page.close("no data");

    expect(await readdir(folder)).toEqual([]);
  });

  test("writes nothing after it is closed, and makes no folder that is gone", async () => {
    const gone = join(folder, "out");
    await mkdir(gone);
    const page = await open({ path: join(gone, "training.html"), every: 0 });
    for (const event of [beginEvent(), stepEvent(1)]) page.onEvent(event);
    await page.close();
    await rm(gone, { recursive: true });

    page.onEvent(stepEvent(2));
    await page.close();
    await new Promise((resolve) => setTimeout(resolve, 30));

    expect(await readdir(folder)).toEqual([]);
  });

  test("warns once when it cannot be written, and lets the training go on", async () => {
    const page = await open({ path: join(folder, "nowhere/training.html"), every: 0 });
    page.onEvent(beginEvent());
    for (let step = 1; step <= 5; step++) {
      page.onEvent(stepEvent(step));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await page.close();

    expect(warnings).toEqual([
      expect.stringMatching(/nowhere\/training\.html: .*the training goes on without its page$/),
    ]);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("the page of a resumed training", () => {
  const lines = (values: readonly unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join("");

  test("has the steps before, without those that are done again", async () => {
    const log = join(folder, "train-log.jsonl");
    const before = [beginEvent(), ...[1, 2, 3, 4].map((step) => stepEvent(step))];
    await writeFile(log, `${lines(before)}{"type":"step","st`);

    const page = await open({ log });
    page.onEvent(beginEvent({ stepsBefore: 3 }));
    page.onEvent(stepEvent(4, { loss: 0.125 }));
    await page.close();

    expect(await content()).toContain("total from 8 at 1 to 0.125 at 4");
    expect(await content()).toContain("Resumed after step 3.");
    expect(await content()).toContain("1 line of the log is no event");
  });

  test("begins anew, with a warning, when the log cannot be read", async () => {
    const page = await open({ log: join(folder, "no-log") });
    for (const event of [beginEvent({ stepsBefore: 3 }), stepEvent(4)]) page.onEvent(event);
    await page.close();

    expect(warnings).toEqual([expect.stringMatching(/no-log: .*the page begins with the steps from now on$/)]);
    expect(await content()).toContain("Stopped at step 4.");
  });
});

describe.skipIf(missing)(`a disk that fills up${missing ? ` (${missing})` : ""}`, () => {
  let disk: SmallDisk;
  beforeEach(() => {
    disk = SmallDisk.mount(join(folder, "disk"), 2 ** 20);
  });
  afterEach(() => disk.unmount());

  test("leaves the last whole page and nothing beside it, and is told once", async () => {
    const path = join(disk.path, "training.html");
    const page = await open({ path, every: 0 });
    for (const event of [beginEvent(), stepEvent(1)]) page.onEvent(event);
    await vi.waitFor(async () => expect(await content(path)).toContain("step 1 of"));

    disk.fillNow();
    for (const step of [2, 3]) {
      page.onEvent(stepEvent(step));
      await vi.waitFor(() => expect(warnings).toHaveLength(1));
    }
    await page.close();

    expect(warnings).toEqual([expect.stringContaining("training.html: ")]);
    expect(await content(path)).toMatch(/step 1 of[\s\S]*<\/html>\n$/);
    expect((await readdir(disk.path)).sort()).toEqual(["ballast", "training.html"]);
  });

  test("and has space again gets its page", async () => {
    const path = join(disk.path, "training.html");
    disk.fillNow();
    const page = await open({ path, every: 0 });
    for (const event of [beginEvent(), stepEvent(1)]) page.onEvent(event);
    await vi.waitFor(() => expect(warnings).toHaveLength(1));

    disk.freeNow();
    page.onEvent(stepEvent(2));
    await page.close();

    expect(await content(path)).toContain("Stopped at step 2 of 1000");
    expect(warnings).toHaveLength(1);
  });
});
