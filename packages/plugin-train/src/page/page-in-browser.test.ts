import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ChromiumPage } from "./chromium-for-tests.ts";
import { beginEvent, dataEvent, evaluationEvent, stepEvent } from "./events-for-tests.ts";
import { TrainingHistory } from "./training-history.ts";
import { trainingPage } from "./training-page.ts";

const missing = ChromiumPage.program === undefined;

/** A page of three stages with everything that can be on one. */
function pageOf(steps: number, live: boolean): string {
  const history = new TrainingHistory();
  const files = ["captions", "questions", "a-long-name-of-a-file-of-many-turns"].map((name) => `data/${name}.json`);
  for (const file of files) history.add(dataEvent({ file }));
  for (let step = 1; step <= steps; step++) {
    const stage = ["1", "1.5", "2"][Math.min(2, Math.floor((step - 1) / 100))]!;
    if (step % 100 === 1 && step < 300) history.add(beginEvent({ stage, stepsBefore: step - 1, steps: 100 }));
    const sources = files.map((source, index) => ({ source, answer: (index + 1) / step, answerTokens: 9 }));
    history.add(stepEvent(step, { stage, sources }));
    const best = step % 100 === 0;
    if (step % 50 === 0) history.add(evaluationEvent(step, { stage, sources, best }));
    if (best) history.add({ type: "checkpoint", step, stage, folder: "out/c", bytes: 1e6, seconds: 1 });
  }
  const page = trainingPage(history, { live, written: new Date(0) });
  return page.replace('data-refresh="10"', 'data-refresh="0.2"');
}

describe.skipIf(missing)(`in a browser${missing ? " (no Chromium here)" : ""}`, () => {
  let browser: ChromiumPage;
  let server: Server;
  let folder: string;
  let served: string;
  let requests = 0;
  beforeAll(async () => {
    browser = await ChromiumPage.open();
    server = createServer((request, response) => {
      if (request.url !== "/training.html") return response.writeHead(404).end();
      requests++;
      response.setHeader("content-type", "text/html; charset=utf-8").end(served);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterAll(async () => {
    await browser.close();
    server.closeAllConnections();
    server.close();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "page-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const summary = 'document.querySelector(".summary").textContent';

  test("over http new contents take the place of the old ones; what is unfolded and where one is stays", async () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/training.html`;
    served = pageOf(150, true);
    await browser.show(url);
    await browser.value('window.same = true; scrollTo(0, 900); document.querySelectorAll("details")[1].open = true; 0');

    served = pageOf(160, true);
    await browser.until(`${summary}.includes("step 60 of 100")`);
    expect(await browser.value("[window.same, scrollY]")).toEqual([true, 900]);
    expect(await browser.value('[...document.querySelectorAll("details")].map((one) => one.open).slice(0, 3)')).toEqual(
      [...[false, true, false]],
    );

    await browser.value('document.querySelector("#pause").click(); 0');
    served = pageOf(170, true);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(await browser.value(summary)).toContain("step 60 of 100");
    await browser.value('document.querySelector("#pause").click(); 0');

    served = pageOf(300, false);
    await browser.until(`${summary}.startsWith("Stopped at stage 2, step 100 of 100")`);
    expect(await browser.value('document.querySelector(".live")')).toBeNull();
    const before = requests;
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(requests).toBe(before);
    expect(browser.problems.filter((problem) => !problem.includes("favicon"))).toEqual([]);
  });

  test("from a file it loads itself again, and is where it was", async () => {
    const path = join(folder, "training.html");
    await writeFile(path, pageOf(150, true));
    await browser.show(pathToFileURL(path).href);
    await browser.value('scrollTo(0, 900); document.querySelectorAll("details")[1].open = true; 0');

    await writeFile(path, pageOf(160, true));

    await browser.until(`${summary}.includes("step 60 of 100") && scrollY === 900`);
    await browser.until('document.querySelectorAll("details")[1].open');
    await writeFile(path, pageOf(160, false));
    await browser.until('!document.querySelector(".live")');
  });

  test.each([
    [390, "dark"],
    [390, "light"],
    [700, "dark"],
    [1200, "light"],
  ] as const)("fits into %d pixels, %s: nothing sticks out, no names lie on each other", async (width, scheme) => {
    const path = join(folder, "training.html");
    await writeFile(path, pageOf(300, false));
    await browser.show(pathToFileURL(path).href, width, scheme);

    expect(await browser.value("document.documentElement.scrollWidth")).toBe(width);
    const colour = await browser.value<string>("getComputedStyle(document.body).backgroundColor");
    expect(colour).toBe(scheme === "dark" ? "rgb(20, 23, 26)" : "rgb(255, 255, 255)");
    const overlaps = await browser.value<string[]>(`[...document.querySelectorAll(".plot")].flatMap((plot) => {
      const names = [...plot.querySelectorAll(".mark-name, .tick")];
      const boxes = names.map((name) => name.getBoundingClientRect());
      return names.flatMap((name, one) => names.slice(one + 1).flatMap((other, index) => {
        const [a, b] = [boxes[one], boxes[one + 1 + index]];
        const apart = a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 1 || b.bottom <= a.top + 1;
        return apart ? [] : [name.textContent + " on " + other.textContent];
      }));
    })`);
    expect(overlaps).toEqual([]);
    expect(browser.problems.filter((problem) => !problem.includes("favicon"))).toEqual([]);
  });
});
