import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { KeyValueCache } from "../session/index.ts";
import { int64, sizeOf, type Tensor } from "../tensor/index.ts";
import { maxRelativeError, type Parameters, randomParameters, tinyConfig } from "../testing/index.ts";
import type { Segment } from "../text/index.ts";
import { decodeGraph, extendGraph, prefillGraph } from "./graphs.ts";
import { layoutSequence, type SequenceLayout } from "./sequence-layout.ts";
import { answer, cut, image, latent, noise, question, stack, TinyModel, text } from "./tiny-model-for-tests.ts";

const rounding = 2e-5;
const visible = 1e-3;
const latents = 4;

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

const languages = ["phi", "llama"] as const;
const first: Segment[] = [text(11), image, text(12), latent, text(13), question(14, 15)];
const reply: Segment = answer(21, 22, 23);
const later: Segment[] = [text(31), latent, question(32, 33)];
const lengthOf = (segments: Segment[]) => lay([segments]).length;

function lay(samples: Segment[][], { firstPosition = 0 } = {}): SequenceLayout {
  const imageRows = firstPosition > 0 ? 0 : 16;
  return layoutSequence(
    samples.map((segments) => ({ segments, zeroLatents: false })),
    { imageRows, latents, firstPosition },
  );
}

/** What the vision graphs would give for one picture. */
const visual = (name = "picture") => ({
  image_tokens: noise(`${name} image`, [1, 16, 32]),
  latents: noise(`${name} latents`, [1, latents, 32]),
  windows: noise(`${name} windows`, [1, latents, 9, 32]),
});

const everyRow = ({ samples, length }: SequenceLayout) => {
  const rows = samples.length * length;
  return {
    logit_rows: int64(
      [rows],
      Array.from({ length: rows }, (_, row) => row),
    ),
  };
};

/** Logits of every row of one prefill, [rows, V]. */
async function fullLogits(model: TinyModel, segments: Segment[], pictures = visual()): Promise<Tensor> {
  const layout = lay([segments]);
  return (await model.run(prefillGraph(model.config), { ...layout.feeds, ...pictures, ...everyRow(layout) })).logits!;
}

/** The same conversation step by step on a cache: prefill, one decode per answer token, then the later turn. */
async function cachedLogits(model: TinyModel, capacity: number) {
  const cache = await KeyValueCache.allocate(backend, model.config.language, capacity);
  try {
    const prefill = lay([first]);
    const feeds = { ...prefill.feeds, ...visual(), ...everyRow(prefill) };
    const parts = [
      (await (await model.program(prefillGraph(model.config))).run(feeds, { write: cache.writes() })).logits!,
    ];
    cache.advance(prefill.length);
    for (const id of [21, 22, 23]) {
      await cache.reserve(1);
      const step = { input_ids: int64([1, 1], [id]), position_ids: int64([1, 1], [cache.length]), ...cache.feeds() };
      const decode = await model.program(decodeGraph(model.config));
      parts.push((await decode.run(step, { write: cache.writes() })).logits!);
      cache.advance(1);
    }
    const turn = lay([later], { firstPosition: cache.length });
    await cache.reserve(turn.length);
    const { image_tokens: _, ...grids } = visual();
    const extend = await model.program(extendGraph(model.config));
    const extended = await extend.run(
      { ...turn.feeds, ...grids, ...everyRow(turn), ...cache.feeds() },
      { write: cache.writes() },
    );
    cache.advance(turn.length);
    return { logits: stack(...parts, extended.logits!), length: cache.length };
  } finally {
    await cache.dispose();
  }
}

describe("cached decoding", () => {
  const longrope = {
    rope_scaling: { type: "longrope", short_factor: [1, 2, 3, 4], long_factor: [5, 6, 7, 8] },
    original_max_position_embeddings: 128,
  };

  it.each([
    { language: "phi", tower: "siglip2" },
    { language: "llama", tower: "siglip2" },
    { language: "phi", config: longrope },
    { language: "phi", config: { num_of_vision_sampler_layers: 0 } },
    { language: "llama", config: { tie_word_embeddings: true, head_dim: 12 } },
  ] as const)("equals full recomputation, over decoded tokens and a later turn: %o", async (options) => {
    const model = new TinyModel(backend, options);
    const conversation = [...first, reply, ...later];

    const cached = await cachedLogits(model, 64);

    expect(cached.length).toBe(lengthOf(conversation));
    expect(maxRelativeError(cached.logits, await fullLogits(model, conversation))).toBeLessThan(rounding);
  });

  it("does not depend on the cache's capacity, nor on its growing", async () => {
    const model = new TinyModel(backend);
    const tight = lengthOf(first);

    const [large, grown] = [await cachedLogits(model, 300), await cachedLogits(model, tight)];

    expect(maxRelativeError(grown.logits, large.logits)).toBeLessThan(rounding);
  });
});

describe("a batch", () => {
  it.each(languages)("of two is two of one, whatever the padding on the right: %s", async (language) => {
    const model = new TinyModel(backend, { language });
    const [long, short] = [
      [...first, reply, ...later],
      [image, latent, question(41)],
    ];
    const layout = lay([long, short]);
    const [one, two] = [visual(), visual("another picture")];
    const both = Object.fromEntries(
      Object.entries(one).map(([name, tensor]) => [name, stack(tensor, two[name as keyof typeof two])]),
    );

    const { logits } = await model.run(prefillGraph(model.config), { ...layout.feeds, ...both, ...everyRow(layout) });

    const rows = lengthOf(short);
    expect(maxRelativeError(cut(logits!, 0, 0, layout.length), await fullLogits(model, long, one))).toBeLessThan(
      rounding,
    );
    expect(
      maxRelativeError(cut(logits!, 0, layout.length, layout.length + rows), await fullLogits(model, short, two)),
    ).toBeLessThan(rounding);
  });

  it("decodes samples of different lengths in one step", async () => {
    const { config, parameters } = new TinyModel(backend, { language: "llama" });
    const model = new TinyModel(backend, { language: "llama" }, parameters);
    const [capacity, lengths] = [6, [5, 2]];
    const shapes = { key: [2, 2, 8, capacity], value: [2, 2, capacity, 8] };
    const past = (sample?: number) =>
      Object.fromEntries(
        Array.from({ length: config.language.layers }, (_, layer) => [
          [`past_key_${layer}`, noise(`key ${layer}`, shapes.key)] as const,
          [`past_value_${layer}`, noise(`value ${layer}`, shapes.value)] as const,
        ])
          .flat()
          .map(([name, tensor]) => [name, sample === undefined ? tensor : cut(tensor, 0, sample, sample + 1)]),
      );
    const step = (ids: number[], at: number[], sample?: number) => {
      const column = [ids.length, 1];
      const feeds = {
        input_ids: int64(column, ids),
        position_ids: int64(column, at),
        past_lengths: int64([at.length], at),
      };
      return model.run(decodeGraph(config), { ...feeds, ...past(sample) }, ["logits"]);
    };

    const both = (await step([7, 8], lengths)).logits!;

    expect(maxRelativeError(cut(both, 0, 0, 1), (await step([7], [5], 0)).logits!)).toBeLessThan(rounding);
    expect(maxRelativeError(cut(both, 0, 1, 2), (await step([8], [2], 1)).logits!)).toBeLessThan(rounding);
  });
});

describe("the cache", () => {
  it("shows nothing behind its filled part", async () => {
    const model = new TinyModel(backend);
    const step = (fill: number) => {
      const feeds: Record<string, Tensor> = {
        input_ids: int64([1, 1], [7]),
        position_ids: int64([1, 1], [2]),
        past_lengths: int64([1], [2]),
      };
      for (let layer = 0; layer < 3; layer++) {
        const [key, value] = [noise(`key ${layer}`, [1, 4, 8, 5]), noise(`value ${layer}`, [1, 4, 5, 8])];
        key.data.forEach((_, i) => {
          if (i % 5 >= 2) key.data[i] = fill;
        });
        value.data.forEach((_, i) => {
          if (Math.floor(i / 8) % 5 >= 2) value.data[i] = fill;
        });
        Object.assign(feeds, { [`past_key_${layer}`]: key, [`past_value_${layer}`]: value });
      }
      return model.run(decodeGraph(model.config), feeds, ["logits"]);
    };

    expect((await step(0)).logits).toEqual((await step(1000)).logits);
  });
});

describe("what rows see", () => {
  it("nothing after themselves", async () => {
    const model = new TinyModel(backend);
    const [one, other] = [await fullLogits(model, [...first, text(61)]), await fullLogits(model, [...first, text(62)])];
    const rows = lengthOf(first);

    expect(maxRelativeError(cut(one, 0, 0, rows), cut(other, 0, 0, rows))).toBe(0);
    expect(maxRelativeError(cut(one, 0, rows, rows + 1), cut(other, 0, rows, rows + 1))).toBeGreaterThan(visible);
  });

  it("interaction layers change latent rows only, each with the state of its own question", async () => {
    const model = new TinyModel(backend);
    const layout = lay([[...first, reply, ...later, answer(51)]]);
    const feeds = { ...layout.feeds, ...visual(), ...everyRow(layout) };
    const names = ["llm.layer0.pre", "llm.layer0.post", "llm.layer0.sampler.queries", "llm.layer0.sampler.out"];

    const fetched = await model.run(prefillGraph(model.config), feeds, names);

    const [pre, post, queries, out] = names.map((name) => fetched[name]!) as [Tensor, Tensor, Tensor, Tensor];
    const { questionEnds, latentStarts } = layout.samples[0]!;
    const changed = Array.from({ length: layout.length }, (_, row) => row).filter(
      (row) => maxRelativeError(cut(post, 1, row, row + 1), cut(pre, 1, row, row + 1)) > 0,
    );
    expect(changed).toEqual(latentStarts.flatMap((start) => [0, 1, 2, 3].map((q) => start + q)));
    questionEnds.forEach((end, r) => {
      const row = (tensor: Tensor, at: number) => Array.from(cut(tensor, 1, at, at + 1).data);
      expect(row(queries, r)).toEqual(row(pre, end));
      const grid = cut(post, 1, latentStarts[r]!, latentStarts[r]! + latents);
      expect(Array.from(grid.data)).toEqual(row(out, r));
    });
  });

  it("stand after the decoder layers that the configuration names, and nowhere else", () => {
    const { marks } = prefillGraph(tinyConfig());
    const interacting = [...marks.keys()].filter((name) => name.endsWith(".post"));

    expect(interacting).toEqual(["llm.layer0.post", "llm.layer2.post"]);
    expect([...decodeGraph(tinyConfig()).marks.keys()].some((name) => name.endsWith(".post"))).toBe(false);
  });
});

describe("fused and separate projections", () => {
  it("are one model: Phi's matrices cut apart are Llama's", async () => {
    const options = { config: { num_key_value_heads: 2 } };
    const phi = new TinyModel(backend, { language: "phi", ...options });
    const llama = new TinyModel(backend, { language: "llama", ...options }, separated(randomParameters(phi.config)));

    expect(maxRelativeError(await fullLogits(llama, first), await fullLogits(phi, first))).toBeLessThan(rounding);
  });

  function separated(fused: Parameters): Parameters {
    const parts: Record<string, [string, number][]> = {
      "self_attn.qkv_proj": [
        ["self_attn.q_proj", 32],
        ["self_attn.k_proj", 16],
        ["self_attn.v_proj", 16],
      ],
      "mlp.gate_up_proj": [
        ["mlp.gate_proj", 48],
        ["mlp.up_proj", 48],
      ],
    };
    const entries = [...fused].flatMap(([name, tensor]): [string, Tensor][] => {
      const [whole, pieces] = Object.entries(parts).find(([part]) => name.includes(part)) ?? [];
      if (!whole || !pieces) return [[name, tensor]];
      let row = 0;
      return pieces.map(([piece, rows]) => {
        row += rows;
        return [name.replace(whole, piece), cut(tensor, 0, row - rows, row)];
      });
    });
    return new Map(entries);
  }
});

it("keys and values leave the graph for the new rows only", async () => {
  const model = new TinyModel(backend, { language: "llama" });
  const layout = lay([first]);
  const fetched = await model.run(prefillGraph(model.config), {
    ...layout.feeds,
    ...visual(),
    logit_rows: int64([1], [0]),
  });

  expect(fetched.present_key_2!.shape).toEqual([1, 2, 8, layout.length]);
  expect(fetched.present_value_2!.shape).toEqual([1, 2, layout.length, 8]);
  expect(sizeOf(fetched.logits!.shape)).toBe(model.config.language.vocabularySize);
});
