import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { presetNames } from "../fusion/index.ts";
import { writeTinyModel } from "../testing/write-tiny-model-node.ts";
import { openWeights, writeWeights } from "../weights/index-node.ts";
import { inspectModel } from "./inspect-model-node.ts";

const cwd = process.cwd();
let folder: string;

/** The working folder is an empty one: a folder of a preset's name would win over the preset. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fusion-inspect-"));
  process.chdir(folder);
});

afterEach(async () => {
  process.chdir(cwd);
  await rm(folder, { recursive: true, force: true });
});

test("every parameter of every preset belongs to one part, and no part is empty", async () => {
  for (const preset of presetNames.filter((name) => name !== "nano")) {
    const { kind, parts, parameters, storage } = await inspectModel(preset);

    expect([kind, storage]).toEqual(["preset", undefined]);
    expect(parts.every((part) => part.parameters > 0 && part.bytes === undefined)).toBe(true);
    expect(parts.reduce((sum, part) => sum + part.parameters, 0)).toBe(parameters);
  }
});

test("the sizes of a preset are those of the paper's models", async () => {
  const { parts, parameters } = await inspectModel("fusion-llama3.1-8b");
  const size = (part: string) => parts.find((one) => one.part === part)!.parameters;

  expect(size("language model") + size("embeddings")).toBeCloseTo(8.03e9, -7.5); // Llama-3.1-8B
  expect(size("vision tower")).toBeCloseTo(0.413e9, -7.5); // SigLIP-SO400M without its last layer and pooling head
  expect(parameters).toBeGreaterThan(8.4e9);
});

test("a folder is told part by part, with files and element types", async () => {
  await writeTinyModel(folder);

  const { kind, parts, storage, graphs, latents, imageTokens } = await inspectModel(folder);

  expect([kind, latents, imageTokens]).toEqual(["folder", 16, 16]);
  expect(parts.reduce((sum, { bytes = 0 }) => sum + bytes, 0)).toBe(storage!.bytes - storage!.unused.bytes);
  expect(parts.every(({ parameters, bytes }) => bytes === 4 * parameters)).toBe(true);
  expect(storage).toMatchObject({
    dtypes: [{ dtype: "float32" }],
    files: [{ file: "model.safetensors" }],
    untrained: false,
  });
  expect(storage!.tokenizerTokens).toBeGreaterThan(256);
  expect(graphs.map(({ name }) => name)).toEqual([
    "fusion.image",
    "fusion.context",
    "fusion.latents16",
    "fusion.prefill",
    "fusion.extend",
    "fusion.decode",
    "fusion.loss",
  ]);
});

test("shards, mixed element types and tensors without a use are counted apart", async () => {
  await writeTinyModel(folder);
  const weights = await openWeights(folder);
  const tensors = new Map(
    await Promise.all([...weights.entries.keys()].map(async (name) => [name, await weights.read(name)] as const)),
  );
  await weights.close();
  await rm(join(folder, "model.safetensors"));
  const spare = "model.vision_tower.vision_tower.vision_model.head.probe";
  tensors.set(spare, { dtype: "float16", shape: [3], data: new Uint16Array(3) });
  const layout = [...tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  await writeWeights(folder, { layout, data: (name) => tensors.get(name)!.data }, { maxShardBytes: 100_000 });

  const { storage } = await inspectModel(folder);

  expect(storage!.files.length).toBeGreaterThan(1);
  expect(storage!.dtypes).toMatchObject([{ dtype: "float16", tensors: 1, bytes: 6 }, { dtype: "float32" }]);
  expect(storage!.files.reduce((sum, { tensors: count }) => sum + count, 0)).toBe(tensors.size);
  expect(storage!.unused.tensors).toBeGreaterThanOrEqual(1);
});

test("a folder without a tokenizer can be inspected; a damaged one is told", async () => {
  await writeTinyModel(folder);
  await rm(join(folder, "tokenizer.json"));
  expect((await inspectModel(folder)).storage).not.toHaveProperty("tokenizerTokens", expect.anything());

  await writeFile(join(folder, "tokenizer.json"), "{");
  await expect(inspectModel(folder)).rejects.toMatchObject({ code: "TOKENIZER_INVALID" });
});

test("weights that do not fit the configuration are refused", async () => {
  await writeTinyModel(folder);
  const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8"));
  await writeFile(join(folder, "config.json"), JSON.stringify({ ...config, intermediate_size: 52 }));

  await expect(inspectModel(folder)).rejects.toMatchObject({ code: "WEIGHTS_MISMATCH" });
});

test("a word that is neither folder nor preset is refused with the presets' names", async () => {
  await expect(inspectModel("mega")).rejects.toMatchObject({
    code: "MODEL_NOT_FOUND",
    message: expect.stringContaining("nano, bench-1b"),
  });
});

test("nano is the trained folder that is installed", async () => {
  const { kind, storage } = await inspectModel("nano");

  expect(kind).toBe("folder");
  expect(storage).toMatchObject({ dtypes: [{ dtype: "float16" }], untrained: false });
});
