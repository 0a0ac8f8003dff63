import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FusionError } from "../errors/index.ts";
import { inlinePreparer, type PicturePreparer, picturePreparer } from "./picture-preparer-node.ts";
import { noise } from "./pictures-for-tests.ts";
import { prepareImage } from "./prepare-image-node.ts";

/** Inside node_modules, so that the built file finds sharp. */
const cache = fileURLToPath(new URL("../../../../node_modules/.cache/", import.meta.url));
const options = { cropSize: 32, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

let folder: string;
beforeAll(async () => {
  await mkdir(cache, { recursive: true });
  folder = await mkdtemp(join(cache, "picture-worker-"));
  await build({
    entryPoints: [fileURLToPath(new URL("./picture-worker-node.ts", import.meta.url))],
    outdir: folder,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    logLevel: "silent",
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let preparer: PicturePreparer;
beforeEach(() => {
  preparer = picturePreparer(pathToFileURL(join(folder, "picture-worker-node.js")));
});
afterEach(() => preparer.dispose());

/** Longest time in which the event loop did not turn while `work` ran, in milliseconds. */
async function longestPause(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 1);
  await work();
  clearInterval(timer);
  return Math.max(longest, performance.now() - last);
}

describe("pictures in a worker thread", () => {
  it("are those of the calling thread, whether from a file or from bytes", async () => {
    const bytes = await noise(50, 40).png().toBuffer();
    const file = join(folder, "noise.png");
    await writeFile(file, bytes);
    const expected = await prepareImage(bytes, options);

    const images = await Promise.all([preparer.prepare(file, options), preparer.prepare(bytes, options)]);

    expect(images).toEqual([expected, expected]);
    expect(await inlinePreparer().prepare(bytes, options)).toEqual(expected);
  });

  it("leave the caller's bytes alone", async () => {
    const bytes = new Uint8Array(await noise(8, 8).png().toBuffer());
    const before = bytes.slice();
    await preparer.prepare(bytes, options);

    expect(bytes).toEqual(before);
  });

  it("leave the event loop free while a large photo is resized", async () => {
    const photo = await sharp({ create: { width: 4000, height: 3000, channels: 3, background: "teal" } })
      .jpeg()
      .toBuffer();
    const large = { ...options, cropSize: 384 };
    await preparer.prepare(await noise(8, 8).png().toBuffer(), options); // the thread has started

    const blocked = await longestPause(() => inlinePreparer().prepare(photo, large));
    const free = await longestPause(() => preparer.prepare(photo, large));

    expect(blocked).toBeGreaterThan(50);
    expect(free).toBeLessThan(blocked / 2);
  });

  it("fail with the error of the calling thread, and the next one works", async () => {
    const expected = await prepareImage("no-such.png", options).catch((error: FusionError) => error);

    const failed = await preparer.prepare("no-such.png", options).catch((error: unknown) => error);

    expect(FusionError.isInstance(failed)).toBe(true);
    const { code, at, message, hint } = expected as FusionError;
    expect(failed).toMatchObject({ code: "IMAGE_NOT_FOUND", at, message, hint });
    expect(code).toBe("IMAGE_NOT_FOUND");
    await expect(preparer.prepare(7 as never, options)).rejects.toMatchObject({ code: "IMAGE_INVALID" });
    await expect(preparer.prepare(await noise(8, 8).png().toBuffer(), options)).resolves.toMatchObject({ width: 8 });
  });

  it("under way are finished by dispose, later ones refused", async () => {
    const bytes = await noise(50, 40).png().toBuffer();
    const underWay = [preparer.prepare(bytes, options), preparer.prepare(bytes, options)];
    await Promise.all([preparer.dispose(), preparer.dispose()]);

    await expect(Promise.all(underWay)).resolves.toHaveLength(2);
    await expect(preparer.prepare(bytes, options)).rejects.toMatchObject({
      code: "BACKEND_FAILED",
      at: "picture worker",
    });
  });

  it("need no thread until the first of them", async () => {
    const missing = picturePreparer(pathToFileURL(join(folder, "nowhere.js")));
    await missing.dispose();
  });

  it("fail with the reason when the thread cannot start", async () => {
    const missing = picturePreparer(pathToFileURL(join(folder, "nowhere.js")));

    await expect(missing.prepare("x.png", options)).rejects.toMatchObject({
      code: "BACKEND_FAILED",
      message: expect.stringContaining("nowhere.js"),
    });
    await missing.dispose();
  });
});
