import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decodeBfloat16, decodeFloat16, toFloat32 } from "../tensor/index.ts";
import { encodeBfloat16, encodeFloat16 } from "./half-floats.ts";
import { randomChunks, randomTensor } from "./random-init.ts";
import { openSafetensors } from "./safetensors-file-node.ts";
import { writeSafetensors } from "./write-safetensors-node.ts";

const matrix = "model.layers.0.mlp.down_proj.weight";

function join32(chunks: Iterable<Float32Array>): Float32Array {
  return Float32Array.from([...chunks].flatMap((chunk) => [...chunk]));
}

describe("randomTensor", () => {
  it("depends on seed and name only, not on what was asked for before", () => {
    const alone = randomTensor(matrix, [5, 7], { seed: 3 });
    randomTensor("lm_head.weight", [10, 10], { seed: 3 });

    expect(randomTensor(matrix, [5, 7], { seed: 3 })).toEqual(alone);
    expect(randomTensor(matrix, [5, 7], { seed: 4 })).not.toEqual(alone);
    expect(randomTensor("model.layers.1.mlp.down_proj.weight", [5, 7], { seed: 3 })).not.toEqual(alone);
  });

  it.each([
    "model.mm_projector.0.bias",
    "model.norm.bias",
    "model.vision_sampler_layers.0.layers.0.cross_attn.q_proj.0.bias",
  ])("sets %s to 0", (name) => {
    expect(randomTensor(name, [3], { seed: 0 })).toEqual(Float32Array.of(0, 0, 0));
  });

  it.each([
    "model.norm.weight",
    "model.layers.0.input_layernorm.weight",
    "model.layers.0.post_attention_layernorm.weight",
    "model.vision_tower.vision_tower.vision_model.encoder.layers.0.layer_norm1.weight",
    "model.vision_sampler_layers.0.layers.0.norm.weight",
    "model.vision_sampler_layers.0.layers.0.cross_attn.k_proj.0.weight",
  ])("sets %s to 1", (name) => {
    expect(randomTensor(name, [3], { seed: 0 })).toEqual(Float32Array.of(1, 1, 1));
  });

  it.each([
    ["model.embed_tokens.weight", [300, 64]],
    ["model.vision_sampler_layers.0.layers.0.cross_attn.q_proj.1.weight", [128, 128]],
    ["model.vision_tower.vision_tower.vision_model.embeddings.patch_embedding.weight", [32, 3, 14, 14]],
    ["model.vision_tower.vision_tower.vision_model.embeddings.class_embedding", [20000]],
  ])("draws %s from a normal distribution of deviation 0.02", (name, shape) => {
    const values = randomTensor(name, shape, { seed: 1 });

    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    expect(Math.abs(mean)).toBeLessThan(0.001); // 5 standard errors of 16 000 values and more: 0.0008
    expect(deviation).toBeCloseTo(0.02, 3);
  });

  it("scales by the deviation asked for", () => {
    const values = randomTensor(matrix, [2, 2], { seed: 1, std: 1 });

    expect([...randomTensor(matrix, [2, 2], { seed: 1, std: 2 })]).toEqual([...values].map((value) => 2 * value));
  });

  it("is pinned: a folder made with the same seed stays the same folder", () => {
    const values = randomTensor(matrix, [2, 2], { seed: 42, std: 1 });

    // the same hash, generator and transform written in Python
    for (const [i, value] of [1.6033425, -0.4671581, 0.2048259, -0.3833572].entries())
      expect(values[i]).toBeCloseTo(value, 6);
  });
});

describe("randomChunks", () => {
  it.each([1, 3, 4, 35, 1000])("gives the values of randomTensor in pieces of %i", (chunkElements) => {
    const chunks = [...randomChunks(matrix, [5, 7], { seed: 3, dtype: "float32", chunkElements })];

    expect(chunks).toHaveLength(Math.ceil(35 / chunkElements));
    expect(join32(chunks)).toEqual(randomTensor(matrix, [5, 7], { seed: 3 }));
  });

  it("rounds to the stored element type", () => {
    const values = randomTensor(matrix, [8], { seed: 3 });

    const [half] = [...randomChunks(matrix, [8], { seed: 3, dtype: "float16" })];
    const [brain] = [...randomChunks(matrix, [8], { seed: 3, dtype: "bfloat16" })];

    expect(half).toEqual(encodeFloat16(values));
    expect(brain).toEqual(encodeBfloat16(values));
    for (const [i, value] of values.entries()) {
      expect(Math.abs(decodeFloat16(half!)[i]! - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -11);
      expect(Math.abs(decodeBfloat16(brain!)[i]! - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -8);
    }
  });

  it("streams into a file", async () => {
    const room = await mkdtemp(join(tmpdir(), "random-init-"));
    const path = join(room, "m.safetensors");
    const shape = [100, 10];

    await writeSafetensors(path, {
      layout: [{ name: matrix, dtype: "bfloat16", shape }],
      data: (name) => randomChunks(name, shape, { seed: 5, dtype: "bfloat16", chunkElements: 64 }),
    });
    const file = await openSafetensors(path);

    const expected = decodeBfloat16(encodeBfloat16(randomTensor(matrix, shape, { seed: 5 })));
    expect(toFloat32(await file.read(matrix))).toEqual(expected);
    await file.close();
    await rm(room, { recursive: true });
  });
});
