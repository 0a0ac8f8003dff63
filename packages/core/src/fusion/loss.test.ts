import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Fetches } from "../backends/index.ts";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { float32, int64, type Tensor } from "../tensor/index.ts";
import { maxRelativeError, type TinyModelOptions } from "../testing/index.ts";
import type { Segment } from "../text/index.ts";
import { lossGraph } from "./graphs.ts";
import { layoutSequence } from "./sequence-layout.ts";
import { answer, cut, image, latent, noise, question, stack, TinyModel, text } from "./tiny-model-for-tests.ts";

const rounding = 2e-5;
const visible = 1e-3;

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

interface Sample {
  readonly segments: Segment[];
  readonly instruction: number[];
  readonly picture?: string;
}

const withImage: Sample = {
  segments: [text(11), image, latent, question(12), answer(21, 22), latent, question(13), answer(23)],
  instruction: [12, 13, 14],
  picture: "one",
};
const shorter: Sample = {
  segments: [image, latent, question(15), answer(24)],
  instruction: [15],
  picture: "two",
};
const textOnly: Sample = { segments: [latent, question(16), answer(25, 26)], instruction: [] };

/** Runs the loss graph on a batch; `rows` and `tokens` pad sequence weights and instructions past what is needed. */
async function run(
  model: TinyModel,
  samples: Sample[],
  marks: string[] = [],
  padTokens = 0,
): Promise<{ fetched: Fetches; length: number; answers: number[] }> {
  const { config } = model;
  const side = config.vision.imageSize;
  const pixels = (sample: Sample, kind: string, shape: number[]) =>
    sample.picture
      ? noise(`${sample.picture} ${kind}`, [1, ...shape])
      : float32([1, ...shape], new Float32Array(shape.reduce((a, b) => a * b)));
  const width = Math.max(1, ...samples.map(({ instruction }) => instruction.length)) + padTokens;
  const instructions = samples.flatMap(({ instruction }) =>
    Array.from({ length: width }, (_, i) => instruction[i] ?? 0),
  );
  const layout = layoutSequence(
    samples.map(({ segments, picture }) => ({ segments, zeroLatents: picture === undefined })),
    { imageRows: config.imageGrid ** 2, latents: 4 },
  );
  const { rows, ids } = layout.answers;
  const outputs = ["loss", "loss_answer", "loss_v2t", "loss_t2v"];
  const fetched = await model.run(
    lossGraph(config, 4),
    {
      ...layout.feeds,
      pixel_values: stack(...samples.map((sample) => pixels(sample, "whole", [3, side, side]))),
      sub_images: stack(...samples.map((sample) => pixels(sample, "sub", [4, 3, side, side]))),
      instruction_ids: int64([samples.length, width], instructions),
      instruction_mask: float32([samples.length, width], instructions.map(Math.sign)),
      answer_rows: int64([rows.length + 1], [...rows, 0]),
      answer_ids: int64([ids.length + 1], [...ids, 0]),
      answer_weights: float32([rows.length + 1], [...rows.map(() => 1), 0]),
    },
    [...outputs, ...marks],
  );
  return { fetched, length: layout.length, answers: [...ids] };
}

const scalar = (tensor: Tensor | undefined) => Number(tensor!.data[0]);

/** Rows of a [..., width] tensor. */
function rowsOf({ shape, data }: Tensor): number[][] {
  const width = shape.at(-1)!;
  return Array.from({ length: data.length / width }, (_, i) =>
    Array.from(data.slice(i * width, (i + 1) * width) as Float32Array),
  );
}

function distance(a: number[], b: number[]): number {
  const dot = (x: number[], y: number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return 1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("the losses, by their equations", () => {
  it("(14) is the mean cross entropy of the answer tokens", async () => {
    const model = new TinyModel(backend);

    const { fetched, answers } = await run(model, [withImage, shorter], ["llm.logits"]);

    const logits = rowsOf(fetched["llm.logits"]!);
    const expected = answers.map((id, i) => {
      const row = logits[i]!;
      return Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0)) - row[id]!;
    });
    expect(answers).toEqual([21, 22, 23, 24]);
    expect(scalar(fetched.loss_answer)).toBeCloseTo(mean(expected), 4);
  });

  it("(12) compares rebuilt and embedded instruction tokens, padding left out", async () => {
    const model = new TinyModel(backend);

    const { fetched } = await run(model, [withImage, shorter], ["vision.text.mm", "vision.instruct_embeddings"]);

    const rebuilt = rowsOf(cut(fetched["vision.text.mm"]!, 1, 16, 19));
    const embedded = rowsOf(fetched["vision.instruct_embeddings"]!);
    const distances = [0, 1, 2, 3].map((i) => distance(rebuilt[i]!, embedded[i]!)); // three tokens, then one and two of padding
    expect(scalar(fetched.loss_v2t)).toBeCloseTo(mean(distances), 5);
  });

  it("(13) compares every patch with what is rebuilt from text space", async () => {
    const model = new TinyModel(backend, { tower: "clip" });

    const { fetched } = await run(model, [withImage, textOnly], ["vision.vision_features", "vision.vision_embeddings"]);

    const [rebuilt, patches] = [
      rowsOf(fetched["vision.vision_features"]!),
      rowsOf(fetched["vision.vision_embeddings"]!),
    ];
    expect(rebuilt).toHaveLength(2 * 16); // the dummy picture of a text-only sample counts
    expect(scalar(fetched.loss_t2v)).toBeCloseTo(mean(rebuilt.map((row, i) => distance(row, patches[i]!))), 5);
  });

  it.each([0, 0.1, 2])("(15) adds both halves with λ = %d", async (fusion_mapping_weight) => {
    const model = new TinyModel(backend, { config: { fusion_mapping_weight } });

    const { fetched } = await run(model, [withImage]);

    const expected =
      scalar(fetched.loss_answer) + fusion_mapping_weight * (scalar(fetched.loss_v2t) + scalar(fetched.loss_t2v));
    expect(scalar(fetched.loss)).toBeCloseTo(expected, 5);
  });

  it("has no text half without an instruction token", async () => {
    const { fetched } = await run(new TinyModel(backend), [textOnly]);

    expect(scalar(fetched.loss_v2t)).toBe(0);
    expect(Number.isFinite(scalar(fetched.loss))).toBe(true);
  });
});

describe("the whole model", () => {
  const variants: TinyModelOptions[] = [
    { language: "phi", tower: "siglip2" },
    { language: "llama", tower: "siglip" },
    { language: "llama", tower: "clip", config: { fusion_image_tokens: 9 } },
  ];

  it.each(variants)("paper: hidden states of a batch are those of its samples alone: %o", async (options) => {
    const model = new TinyModel(backend, { ...options, semantics: "paper" });
    const samples = [withImage, shorter, textOnly];
    const marks = ["llm.final_norm"];

    const batch = await run(model, samples, marks);

    for (const [b, sample] of samples.entries()) {
      const alone = await run(model, [sample], marks);
      const own = cut(cut(batch.fetched["llm.final_norm"]!, 0, b, b + 1), 1, 0, alone.length);
      expect(maxRelativeError(own, alone.fetched["llm.final_norm"]!)).toBeLessThan(rounding);
    }
  });

  it("paper: losses do not change with the padding of instructions", async () => {
    const model = new TinyModel(backend, { semantics: "paper" });
    const [tight, padded] = [await run(model, [withImage, shorter]), await run(model, [withImage, shorter], [], 5)];

    for (const name of ["loss", "loss_answer", "loss_v2t", "loss_t2v"]) {
      expect(scalar(padded.fetched[name])).toBeCloseTo(scalar(tight.fetched[name]), 5);
    }
  });

  it("released: losses do change with it", async () => {
    const model = new TinyModel(backend, { semantics: "released" });
    const [tight, padded] = [await run(model, [withImage, shorter]), await run(model, [withImage, shorter], [], 5)];

    expect(Math.abs(scalar(padded.fetched.loss_t2v) - scalar(tight.fetched.loss_t2v))).toBeGreaterThan(visible / 10);
  });

  it("text-only latents start as zeros, and are then updated like others", async () => {
    const model = new TinyModel(backend);
    const marks = ["llm.inputs_embeds", "llm.layer0.sampler.out"];

    const { fetched } = await run(model, [textOnly], marks);

    expect(cut(fetched["llm.inputs_embeds"]!, 1, 0, 4).data.every((value) => value === 0)).toBe(true);
    expect(cut(fetched["llm.inputs_embeds"]!, 1, 4, 5).data.some((value) => value !== 0)).toBe(true);
    expect(fetched["llm.layer0.sampler.out"]!.data.some((value) => value !== 0)).toBe(true);
  });
});
