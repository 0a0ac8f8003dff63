import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FusionError } from "@fusion-vlm/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { loadConfig, pluginConfig } from "./load-config.ts";

let folder: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "fusion-config-")));
});

afterEach(() => rm(folder, { recursive: true }));

async function write(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
}

async function failure(): Promise<FusionError> {
  const error = await loadConfig(folder).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!FusionError.isInstance(error)) throw new Error(`expected a FusionError, got ${String(error)}`);
  return error;
}

describe("finding the file", () => {
  test.each([
    ["fusion.config.ts", "const threads: number = 3;\nexport default { threads };"],
    ["fusion.config.js", "module.exports = { threads: 3 };"],
    ["fusion.config.mjs", "export default { threads: 3 };"],
    ["fusion.config.yaml", "threads: 3"],
    ["fusion.config.yml", "threads: 3"],
    ["fusion.config.json", '{ "threads": 3 }'],
  ])("reads %s", async (name, text) => {
    const file = await write(name, text);

    expect(await loadConfig(folder)).toEqual({ file, config: { threads: 3 } });
  });

  test("takes the nearest one above the folder", async () => {
    const file = await write("fusion.config.json", '{ "threads": 3 }');
    const deep = join(folder, "a/b");
    await mkdir(deep, { recursive: true });

    expect((await loadConfig(deep)).file).toBe(file);
  });

  test("is no error when there is none, nor when it is empty", async () => {
    expect(await loadConfig(folder)).toEqual({ config: {} });

    const file = await write("fusion.config.yaml", "");
    expect(await loadConfig(folder)).toEqual({ file, config: {} });
  });

  test("takes a model path with a leading dot from the file's folder, and leaves presets alone", async () => {
    await write("fusion.config.json", '{ "model": "./models/mine" }');
    expect((await loadConfig(folder)).config.model).toBe(join(folder, "models/mine"));

    await write("fusion.config.json", '{ "model": "nano" }');
    expect((await loadConfig(folder)).config.model).toBe("nano");
  });
});

describe("checking the content", () => {
  test("names the file and every wrong key at once", async () => {
    const file = await write(
      "fusion.config.yaml",
      "modle: nano\ndevice: tpu\nthreads: 1.5\ngeneration: { topP: 3, topK: many }",
    );

    const { code, message } = await failure();

    expect(code).toBe("CONFIG_INVALID");
    expect(message.split("\n").sort()).toEqual(
      [
        `${file}:`,
        '  device: expected one of "auto", "cpu", "cuda", "webgpu", got "tpu"',
        "  threads: expected a whole number, got 1.5",
        '  generation.topK: expected a number, got "many"',
        "  generation.topP: expected at most 1, got 3",
        "  modle: there is no such key",
      ].sort(),
    );
  });

  test("refuses a topP of 0, which leaves no token to choose", async () => {
    const file = await write("fusion.config.yaml", "generation: { topP: 0 }");

    expect((await failure()).message).toBe(`${file}: generation.topP: expected more than 0, got 0`);
  });

  test("says what is wrong with a file that is no object", async () => {
    const file = await write("fusion.config.json", "[1, 2]");

    expect((await failure()).message).toBe(`${file}: the file: expected an object, got [1,2]`);
  });

  test.each([
    ["fusion.config.json", '{ "threads": '],
    ["fusion.config.yaml", "a: [1"],
    ["fusion.config.ts", "export default {{"],
    ["fusion.config.mjs", "throw new Error('no');"],
  ])("names %s when it cannot be read", async (name, text) => {
    const file = await write(name, text);

    const { code, message } = await failure();

    expect(code).toBe("CONFIG_INVALID");
    expect(message.startsWith(`${file}: `)).toBe(true);
  });
});

test("a package that the file imports and that is not there is named with what to do", async () => {
  await write("fusion.config.ts", 'import { x } from "no-such-package-here";\nexport default { model: x };');

  const { code, hint } = await failure();

  expect(code).toBe("CONFIG_INVALID");
  expect(hint).toMatch(/^Install no-such-package-here beside the file/);
});

describe("sections of command packages", () => {
  const schema = z.strictObject({ workers: z.int().min(1).default(2) });

  test("are checked by the package, with defaults where there is none", async () => {
    expect(pluginConfig(await loadConfig(folder), "data", schema)).toEqual({ workers: 2 });

    await write("fusion.config.json", '{ "plugins": { "data": { "workers": 5 } } }');
    expect(pluginConfig(await loadConfig(folder), "data", schema)).toEqual({ workers: 5 });
  });

  test("name file and key when they are wrong", async () => {
    const file = await write("fusion.config.json", '{ "plugins": { "data": { "workers": 0 } } }');
    const loaded = await loadConfig(folder);

    expect(() => pluginConfig(loaded, "data", schema)).toThrow(
      `${file}: plugins.data.workers: expected at least 1, got 0`,
    );
  });
});
