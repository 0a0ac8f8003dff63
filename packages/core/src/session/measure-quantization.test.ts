import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import type { Quantization } from "../fusion/index.ts";
import { cutTiles, imageTensors } from "../image/index.ts";
import { writeTinyModel } from "../testing/write-tiny-model-node.ts";
import { loadTokenizer } from "../text/index-node.ts";
import { loadFusion } from "./load-fusion-node.ts";
import { measureQuantization } from "./measure-quantization.ts";
import { type ModelFolder, openModelFolder } from "./model-folder-node.ts";
import { quantizeModel } from "./quantize-model-node.ts";
import { samplePicture } from "./sample-picture.ts";
import { testPhoto } from "./sessions-for-tests.ts";

let place: string;
let backend: Backend;
let original: ModelFolder;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "quantise-"));
  await writeTinyModel(join(place, "original"));
  backend = await nodeBackend({ device: "cpu", threads: 1, worker: false });
  original = await openModelFolder(join(place, "original"));
});
afterAll(async () => {
  await original.weights.close();
  await backend.dispose();
  await rm(place, { recursive: true });
});

const int8: Quantization = { vision: { bits: 8 }, prefill: { bits: 8 }, decode: { bits: 8 }, output: { bits: 8 } };
const int4: Quantization = {
  vision: { bits: 4, block: 32 },
  prefill: { bits: 4, block: 32 },
  decode: { bits: 4, block: 32 },
  output: { bits: 4, block: 32 },
};
const mixed: Quantization = { ...int8, decode: { bits: 4, block: 128 } };

async function measured(name: string, quantization: Quantization, decoder: "prefill" | "decode") {
  const folder = join(place, name);
  await quantizeModel({ model: original.folder, folder, quantization });
  const quantized = await openModelFolder(folder);
  try {
    const { imageSize, mean, std } = original.config.vision;
    const picture = imageTensors(cutTiles(samplePicture(), imageSize), { mean, std });
    const sample = { picture, question: "What is in the picture?", answer: "A red ball and a house." };
    const tokenizer = await loadTokenizer(folder);
    return await measureQuantization({ backend, original, quantized, tokenizer, latents: 4, sample, decoder });
  } finally {
    await quantized.weights.close();
  }
}

test("int8 is nearer to the original than int4, in every part", async () => {
  const fine = await measured("int8", int8, "decode");
  const coarse = await measured("int4", int4, "decode");
  const error = ({ states }: typeof fine, name: string) => states.find(({ state }) => state === name)!.error;

  for (const state of [
    "vision.text.connector",
    "vision.global.connector",
    "global.windows",
    "llm.layer0.pre",
    "llm.logits",
  ]) {
    expect(error(fine, state)).toBeGreaterThan(0);
    expect(error(fine, state)).toBeLessThan(0.1);
    expect(error(coarse, state)).toBeGreaterThan(2 * error(fine, state));
  }
  expect(fine.divergence).toBeGreaterThan(0);
  expect(coarse.divergence).toBeGreaterThan(fine.divergence);
  expect(fine.tokens).toBeGreaterThan(5);
});

test("mixed runs its decoder as int8 over many rows and as int4 over one", async () => {
  const prefill = await measured("mixed-a", mixed, "prefill");
  const decode = await measured("mixed-b", mixed, "decode");

  expect(decode.divergence).toBeGreaterThan(prefill.divergence);
  expect(decode.loss.original).toBe(prefill.loss.original);
});

test("parts that keep their weights have no error", async () => {
  const { states } = await measured("decoder", { decode: { bits: 8 } }, "decode");
  const before = states.filter(({ state }) => /^(vision|global|llm\.inputs)/.test(state));

  expect(before.length).toBeGreaterThan(10);
  expect(before.every(({ error }) => error === 0)).toBe(true);
});

test("a quantised folder answers, says what it is, and is a fraction of its original's size", async () => {
  const result = await quantizeModel({ model: original.folder, folder: join(place, "asked"), quantization: mixed });
  const model = await loadFusion(join(place, "asked"), { worker: false });
  const { text, tokens } = await model.ask({ image: await testPhoto(), question: "What is it?", maxTokens: 8 });

  expect(result.bytes).toBeLessThan(0.6 * result.originalBytes);
  expect(model.info.config.quantization).toEqual(mixed);
  expect([typeof text, tokens.length]).toEqual(["string", 8]);
  await model.dispose();
});

test("a model that is quantised already is refused, and nothing is written", async () => {
  await quantizeModel({ model: original.folder, folder: join(place, "once"), quantization: int8 });
  const again = quantizeModel({ model: join(place, "once"), folder: join(place, "twice"), quantization: int8 });

  await expect(again).rejects.toMatchObject({
    code: "WEIGHTS_INVALID",
    message: expect.stringContaining("got quantised ones"),
  });
  await expect(openModelFolder(join(place, "twice"))).rejects.toMatchObject({ code: "MODEL_NOT_FOUND" });
});
