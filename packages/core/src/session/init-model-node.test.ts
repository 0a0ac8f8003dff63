import { writeFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FusionError } from "../errors/index.ts";
import { type InitModelOptions, initModel } from "./init-model-node.ts";
import { openModelFolder } from "./model-folder-node.ts";

let place: string;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "fusion-init-"));
});

afterEach(() => rm(place, { recursive: true, force: true }));

async function failure(options: InitModelOptions): Promise<FusionError> {
  const error = await initModel(options).catch((thrown) => thrown);
  if (!FusionError.isInstance(error)) throw new Error(`expected a FusionError, got ${String(error)}`);
  return error;
}

test("a preset becomes a folder that opens, of the stated size and element type", async () => {
  const folder = join(place, "nano");

  const { parameters, bytes, files } = await initModel({ preset: "nano", folder, dtype: "bfloat16", seed: 3 });
  const { weights, untrained } = await openModelFolder(folder);
  await weights.close();

  expect((await readdir(folder)).toSorted()).toEqual([...files].toSorted());
  expect(weights.totalBytes).toBe(bytes);
  expect(bytes).toBe(2 * parameters);
  expect(untrained).toBe(true);
  expect(JSON.parse(await readFile(join(folder, "config.json"), "utf8"))).toMatchObject({
    torch_dtype: "bfloat16",
    fusion_initialised: { preset: "nano", seed: 3, trained: false },
  });
});

test("progress counts bytes, from little to all of them", async () => {
  const seen: number[] = [];
  const onProgress = (bytes: number, total: number) => seen.push(bytes / total);

  await initModel({ preset: "nano", folder: join(place, "nano"), onProgress });

  expect(seen[0]).toBeLessThan(0.2);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(seen.at(-1)).toBe(1);
});

describe("an abort", () => {
  /** Aborts when half of the weights are written. */
  function abortHalfWay() {
    const controller = new AbortController();
    const onProgress = (bytes: number, total: number) => bytes > total / 2 && controller.abort();
    return { signal: controller.signal, onProgress };
  }

  test("takes back the folders that were made, and no others", async () => {
    await mkdir(join(place, "mine"));

    const error = await failure({ preset: "nano", folder: join(place, "mine/a/b"), ...abortHalfWay() });

    expect(error.code).toBe("ABORTED");
    expect(await readdir(join(place, "mine"))).toEqual([]);
  });

  test("leaves an empty folder that was there, empty", async () => {
    await failure({ preset: "nano", folder: place, ...abortHalfWay() });

    expect(await readdir(place)).toEqual([]);
  });

  test("leaves what someone else has put there meanwhile", async () => {
    const folder = join(place, "nano");
    const { signal, onProgress } = abortHalfWay();
    const note = (bytes: number, total: number) => {
      writeFileSync(join(folder, "notes.txt"), "mine");
      onProgress(bytes, total);
    };

    await failure({ preset: "nano", folder, signal, onProgress: note });

    expect(await readdir(folder)).toEqual(["notes.txt"]);
  });

  test("that came before writes nothing", async () => {
    const folder = join(place, "nano");

    expect((await failure({ preset: "nano", folder, signal: AbortSignal.abort() })).code).toBe("ABORTED");
    expect(await readdir(place)).toEqual([]);
  });
});

describe("is refused", () => {
  test("a folder with something in it, which stays as it is", async () => {
    await writeFile(join(place, "thesis.txt"), "mine");

    const error = await failure({ preset: "nano", folder: place });

    expect(error.message).toBe(`${place}: expected an empty folder or a new one, got a folder with thesis.txt`);
    expect(await readdir(place)).toEqual(["thesis.txt"]);
  });

  test("a file in the place of the folder", async () => {
    await writeFile(join(place, "file"), "");

    for (const folder of ["file", "file/deeper"]) {
      const error = await failure({ preset: "nano", folder: join(place, folder) });
      expect([error.code, error.details.actual]).toEqual([
        "WRITE_FAILED",
        expect.stringContaining("a file in its place"),
      ]);
    }
  });

  test.each([
    ["an unknown preset", { preset: "mega" }],
    ["a negative seed", { seed: -1 }],
    ["a seed that is no whole number", { seed: 0.5 }],
    ["an unknown element type", { dtype: "int8" as "float16" }],
  ])("%s", async (_name, options) => {
    expect((await failure({ preset: "nano", folder: join(place, "x"), ...options })).code).toBe("OPTION_INVALID");
    expect(await readdir(place)).toEqual([]);
  });
});
