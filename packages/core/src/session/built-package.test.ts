import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyModel } from "../testing/write-tiny-model-node.ts";
import { loadFusion } from "./load-fusion-node.ts";
import { testPhoto } from "./sessions-for-tests.ts";

// Worker threads load built files, so what is tested here is the package as a user has it: bundled, in processes of its own.

/** Inside node_modules, so that the built files find what they import. */
const cache = fileURLToPath(new URL("../../../../node_modules/.cache/", import.meta.url));
const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const question = "What is in the picture?";

let folder: string;
beforeAll(async () => {
  await mkdir(cache, { recursive: true });
  folder = await mkdtemp(join(cache, "built-package-"));
  await build({
    entryPoints: {
      index: source("../index.ts"),
      "engine-worker-node": source("../backends/engine-worker-node.ts"),
      "picture-worker-node": source("../image/picture-worker-node.ts"),
    },
    outdir: folder,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    logLevel: "silent",
  });
  await writeTinyModel(join(folder, "model"));
  await writeFile(join(folder, "photo.png"), await testPhoto());
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a program that imports the built package; fails when it does not end by itself. */
async function run(program: string, args: string[] = []): Promise<{ stdout: string; stderr: string }> {
  const index = pathToFileURL(join(folder, "index.js")).href;
  const code = `import { loadFusion } from ${JSON.stringify(index)};\n${program}`;
  const flags = ["--input-type=module", "--eval", code, ...args];
  return promisify(execFile)(process.execPath, flags, { cwd: folder, timeout: 30_000 });
}

describe("a process that uses the built package", () => {
  it("gets from worker threads the answer of the calling thread, and ends by itself with an idle model", async () => {
    const inline = await loadFusion(join(folder, "model"), { worker: false });
    const expected = await inline.ask({ image: join(folder, "photo.png"), question, maxTokens: 8 });
    await inline.dispose();

    const { stdout, stderr } = await run(`
      const model = await loadFusion("model");
      const { tokens } = await model.ask({ image: "photo.png", question: ${JSON.stringify(question)}, maxTokens: 8 });
      console.log(JSON.stringify(tokens));
    `);

    expect(JSON.parse(stdout)).toEqual(expected.tokens);
    expect(stderr).toBe("");
  });

  it("finds the nano that is installed beside it", async () => {
    const { stdout } = await run(`console.log((await loadFusion("nano")).info.untrained);`);

    expect(stdout.trim()).toBe("false");
  });

  it("may dispose a model while it reads pictures and answers", async () => {
    const { stdout } = await run(`
      const model = await loadFusion("model");
      const asking = [1, 2, 3].map(() => model.ask({ image: "photo.png", question: "What?", maxTokens: 100 }));
      const outcomes = Promise.allSettled(asking);
      await new Promise((resolve) => setTimeout(resolve, 3));
      await model.dispose();
      console.log(JSON.stringify((await outcomes).map(({ reason }) => reason?.code)));
    `);

    expect(JSON.parse(stdout)).toEqual(["ABORTED", "ABORTED", "ABORTED"]);
  });

  it("hears of a bad picture in the words of the calling thread", async () => {
    const { stdout } = await run(`
      const model = await loadFusion("model");
      const chat = model.chat({ image: "later.png" });
      const error = await chat.send("What?", { maxTokens: 1 }).catch((reason) => reason);
      const { copyFile } = await import("node:fs/promises");
      await copyFile("photo.png", "later.png");
      const answer = await chat.send("What?", { maxTokens: 1 });
      console.log(JSON.stringify([error.code, error.message, error.hint, answer.usage.imageTokens]));
    `);

    const [code, message, hint, imageTokens] = JSON.parse(stdout);
    expect([code, imageTokens]).toEqual(["IMAGE_NOT_FOUND", 16]);
    expect(message).toContain("later.png");
    expect(hint).toMatch(/\.$/);
  });
});
