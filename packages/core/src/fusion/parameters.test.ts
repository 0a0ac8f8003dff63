import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { type TinyModelOptions, tinyConfig } from "../testing/index.ts";
import { contextGraph, decodeGraph, extendGraph, imageGraph, lossGraph, prefillGraph } from "./graphs.ts";
import { towerPrefix } from "./names.ts";
import { fusionParameters, isUnusedParameter, unusedParameters } from "./parameters.ts";

/** Names and shapes in the model.safetensors of the two models that the reference numbers were recorded with. */
async function recordedParameters(model: string): Promise<Record<string, number[]>> {
  const file = new URL(`../../../../test/golden/parameter-names/${model}.json`, import.meta.url);
  return JSON.parse(await readFile(file, "utf8"));
}

const recorded: Record<string, TinyModelOptions> = {
  A_phi_siglip2: {
    language: "phi",
    tower: "siglip2",
    config: {
      vocab_size: 300,
      hidden_size: 64,
      intermediate_size: 128,
      num_hidden_layers: 6,
      num_of_vision_sampler_layers: 3,
      stride_of_vision_sampler_layers: 2,
    },
    vision: { hidden_size: 32, intermediate_size: 64, num_hidden_layers: 40, patch_size: 16, image_size: 384 },
  },
  B_llama_siglip: {
    language: "llama",
    tower: "siglip",
    config: {
      vocab_size: 300,
      hidden_size: 64,
      intermediate_size: 128,
      num_hidden_layers: 6,
      num_of_vision_sampler_layers: 2,
      stride_of_vision_sampler_layers: 3,
    },
    vision: { hidden_size: 32, intermediate_size: 64, num_hidden_layers: 27, patch_size: 14, image_size: 384 },
  },
};

describe("parameter names", () => {
  it.each(Object.keys(recorded))("are those of the reference model %s, with its shapes", async (model) => {
    const config = tinyConfig(recorded[model]!);
    const own = Object.fromEntries([...fusionParameters(config), ...unusedParameters(config)]);

    expect(own).toEqual(await recordedParameters(model));
  });

  it("leave the output table out where embeddings are tied", () => {
    const config = tinyConfig({ config: { tie_word_embeddings: true } });

    expect(fusionParameters(config).has("lm_head.weight")).toBe(false);
    expect(isUnusedParameter("lm_head.weight", config)).toBe(true);
    expect(isUnusedParameter("lm_head.weight", tinyConfig())).toBe(false);
  });

  it("of CLIP have a class token and a pre-layernorm, and no bias of the patch convolution", () => {
    const inTower = (options: TinyModelOptions) =>
      [...fusionParameters(tinyConfig(options)).keys()]
        .filter((name) => name.startsWith(towerPrefix) && !name.includes(".encoder."))
        .map((name) => name.slice(towerPrefix.length + 1))
        .sort();

    expect(inTower({ tower: "clip" })).toEqual([
      "embeddings.class_embedding",
      "embeddings.patch_embedding.weight",
      "embeddings.position_embedding.weight",
      "pre_layrnorm.bias",
      "pre_layrnorm.weight",
    ]);
    expect(inTower({ tower: "siglip" })).toEqual([
      "embeddings.patch_embedding.bias",
      "embeddings.patch_embedding.weight",
      "embeddings.position_embedding.weight",
    ]);
  });

  it("that a checkpoint may hold unused are the dropped layer, the pooling head and buffers, nothing else", () => {
    const config = tinyConfig({ tower: "siglip" }); // five declared layers: 0 to 3 are run
    const unused = (name: string) => isUnusedParameter(`${towerPrefix}.${name}`, config);

    expect(unused("encoder.layers.4.mlp.fc1.weight")).toBe(true);
    expect(unused("encoder.layers.3.mlp.fc1.weight")).toBe(false);
    expect(unused("encoder.layers.5.mlp.fc1.weight")).toBe(false);
    expect(unused("encoder.layers.40.mlp.fc1.weight")).toBe(false);
    expect(unused("head.probe")).toBe(true);
    expect(unused("post_layernorm.weight")).toBe(true);
    expect(unused("embeddings.position_ids")).toBe(true);
    expect(isUnusedParameter("model.layers.0.self_attn.rotary_emb.inv_freq", config)).toBe(true);
    expect(isUnusedParameter("model.layers.9.self_attn.q_proj.weight", config)).toBe(false);
  });
});

describe("the graphs", () => {
  it.each([
    { language: "phi", tower: "siglip2" },
    { language: "llama", tower: "clip" },
  ] as const)("read together exactly the parameters of the model: %o", (options) => {
    const config = tinyConfig(options);
    const graphs = [imageGraph, contextGraph, prefillGraph, decodeGraph, extendGraph].map((build) => build(config));
    const read = new Set(graphs.flatMap(({ parameters }) => parameters.map(({ name }) => name)));

    // MLP_t2v's result on the image is needed for the loss only, but MLP_t2v itself is read for the instruction.
    expect([...read].sort()).toEqual([...fusionParameters(config).keys()].sort());
  });

  it("name each node by the module it belongs to, once", () => {
    const { nodes } = lossGraph(tinyConfig({ tower: "clip" }), 4);
    const doubled = nodes
      .map(({ name }) => name)
      .filter((name) => name.split("model.").length > 2 + (name.includes("vision_model.") ? 1 : 0));

    expect(nodes.some(({ name }) => name === "model.layers.1.self_attn.qkv_proj/Gemm")).toBe(true);
    expect(doubled).toEqual([]);
  });
});
