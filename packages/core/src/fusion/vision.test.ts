import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { buildGraph } from "../ops/index.ts";
import { float32, int64, type Tensor } from "../tensor/index.ts";
import { maxRelativeError, runGraph, type TinyModelOptions } from "../testing/index.ts";
import { imageGraph } from "./graphs.ts";
import { towerPrefix } from "./names.ts";
import { cut, guided, pixelsOf, stack, TinyModel } from "./tiny-model-for-tests.ts";
import { visionEmbedding } from "./vision-embedding.ts";

/** Two runs of float32 sums in another order. */
const rounding = 1e-5;
/** A difference that no rounding explains. */
const visible = 1e-3;

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

const towers = ["siglip", "siglip2", "clip"] as const;
const together = (a: ReturnType<typeof guided>, b: ReturnType<typeof guided>) => ({
  pixel_values: stack(a.pixel_values, b.pixel_values),
  instruction_ids: int64(
    [2, a.instruction_ids.shape[1]!],
    [...a.instruction_ids.data, ...b.instruction_ids.data].map(Number),
  ),
  instruction_mask: stack(a.instruction_mask, b.instruction_mask),
});

describe("visionEmbedding", () => {
  it.each(towers)("is the patch convolution plus positions: %s", async (tower) => {
    const model = new TinyModel(backend, { tower });
    const { grid, patchSize: p, imageSize: side, hiddenSize: width, classToken } = model.config.vision;
    const graph = buildGraph("embedding", (op) => {
      op.output("y", visionEmbedding(op, model.config.vision, op.input("pixels", "float32", ["B", 3, side, side])));
    });
    const needed = new Map(graph.parameters.map(({ name }) => [name, model.parameters.get(name)!]));
    const pixels = pixelsOf(model);

    const { y } = await runGraph(backend, graph, { pixels }, needed);

    const data = (name: string) => needed.get(`${towerPrefix}.${name}`)?.data as Float32Array | undefined;
    const [kernel, bias] = [data("embeddings.patch_embedding.weight")!, data("embeddings.patch_embedding.bias")];
    const positions = data("embeddings.position_embedding.weight")!;
    const rows: number[][] = classToken ? [Array.from(data("embeddings.class_embedding")!)] : [];
    for (let i = 0; i < grid; i++)
      for (let j = 0; j < grid; j++)
        rows.push(
          Array.from({ length: width }, (_, e) => {
            let sum = bias?.[e] ?? 0;
            for (let c = 0; c < 3; c++)
              for (let u = 0; u < p; u++)
                for (let v = 0; v < p; v++)
                  sum +=
                    kernel[((e * 3 + c) * p + u) * p + v]! * pixels.data[(c * side + i * p + u) * side + j * p + v]!;
            return sum;
          }),
        );
    const placed = rows.map((row, r) => row.map((value, e) => value + positions[r * width + e]!));
    const expected = classToken ? placed.map((row) => normalised(row, data)) : placed;
    expect(maxRelativeError(y!, float32([1, rows.length, width], expected.flat()))).toBeLessThan(rounding);
  });

  function normalised(row: number[], data: (name: string) => Float32Array | undefined): number[] {
    const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
    const [weight, bias] = [data("pre_layrnorm.weight")!, data("pre_layrnorm.bias")!];
    return row.map((value, e) => ((value - mean) / Math.sqrt(variance + 1e-5)) * weight[e]! + bias[e]!);
  }
});

describe("hierarchical features", () => {
  // FUSION.md 1, at the tiny towers' sizes: [early, late, final] states.
  it.each([
    ["siglip", [0, 1], [2, 3], 4], // the final state is in neither mean
    ["siglip2", [0, 1], [2, 3], 5], // h_4 is nowhere
    ["clip", [0, 1, 2], [3, 4, 5], 5], // the final state is the last of the late mean
  ] as const)("of %s are the final state and the means %j and %j", async (tower, early, late, final) => {
    const model = new TinyModel(backend, { tower });
    const graph = imageGraph(model.config);
    const states = Array.from({ length: final + 1 }, (_, i) => `vision.text.h${i}`);

    const fetched = await model.run(graph, guided(model, [5, 6, 7]), ["vision.text.connector", ...states]);

    const state = (i: number) => fetched[`vision.text.h${i}`]!.data as Float32Array;
    const mean = (which: readonly number[], at: number) =>
      which.reduce((sum, i) => sum + state(i)[at]!, 0) / which.length;
    const [, rows, width] = fetched["vision.text.h0"]!.shape as [number, number, number];
    const expected = Array.from({ length: rows }, (_, row) => {
      const at = Array.from({ length: width }, (_, e) => row * width + e);
      return [...at.map((k) => state(final)[k]!), ...at.map((k) => mean(early, k)), ...at.map((k) => mean(late, k))];
    });
    expect(
      maxRelativeError(fetched["vision.text.connector"]!, float32([1, rows, 3 * width], expected.flat())),
    ).toBeLessThan(rounding);
    expect(graph.marks.has(`vision.text.h${final + 1}`)).toBe(false);
  });
});

describe("text guidance", () => {
  /** Largest relative difference of the vision rows of h_i between two instructions. */
  async function differences(options: TinyModelOptions): Promise<{ difference: number[]; half: number }> {
    const model = new TinyModel(backend, options);
    const { layers, half, grid, classToken } = model.config.vision;
    const states = Array.from({ length: layers + 1 }, (_, i) => `vision.text.h${i}`);
    const [one, other] = [
      await model.run(imageGraph(model.config), guided(model, [5, 6, 7]), states),
      await model.run(imageGraph(model.config), guided(model, [8, 9, 10]), states),
    ];
    const rows = grid * grid + (classToken ? 1 : 0);
    const visionRows = (tensor: Tensor) => cut(tensor, 1, 0, rows);
    return {
      difference: states.map((name) => maxRelativeError(visionRows(one[name]!), visionRows(other[name]!))),
      half,
    };
  }

  it.each(towers)("paper: vision stays free of text up to h_H, and is guided from there: %s", async (tower) => {
    const { difference, half } = await differences({ tower, semantics: "paper" });

    expect(Math.max(...difference.slice(0, half + 1))).toBe(0);
    expect(Math.min(...difference.slice(half + 1))).toBeGreaterThan(visible);
  });

  it.each(towers)("released: vision sees text from h_1 on: %s", async (tower) => {
    const { difference } = await differences({ tower, semantics: "released" });

    expect(difference[0]).toBe(0);
    expect(Math.min(...difference.slice(1))).toBeGreaterThan(visible);
  });
});

describe("padding and batches", () => {
  const names = ["image_tokens", "vision.text.mm"];

  it.each(towers)("paper: padding of the instruction changes nothing: %s", async (tower) => {
    const model = new TinyModel(backend, { tower, semantics: "paper" });
    const graph = imageGraph(model.config);

    const short = await model.run(graph, guided(model, [5, 6, 7]), names);
    const padded = await model.run(graph, guided(model, [5, 6, 7, 0, 0, 0, 0]), names);

    const rows = short["vision.text.mm"]!.shape[1]!;
    expect(maxRelativeError(padded.image_tokens!, short.image_tokens!)).toBeLessThan(rounding);
    expect(maxRelativeError(cut(padded["vision.text.mm"]!, 1, 0, rows), short["vision.text.mm"]!)).toBeLessThan(
      rounding,
    );
  });

  it("released: padding of the instruction changes the image, as in the released code", async () => {
    const model = new TinyModel(backend, { semantics: "released" });
    const graph = imageGraph(model.config);

    const short = await model.run(graph, guided(model, [5, 6, 7]));
    const padded = await model.run(graph, guided(model, [5, 6, 7, 0, 0, 0, 0]));

    expect(maxRelativeError(padded.image_tokens!, short.image_tokens!)).toBeGreaterThan(visible);
  });

  it.each(towers)("paper: a batch of two is two batches of one: %s", async (tower) => {
    const model = new TinyModel(backend, { tower, semantics: "paper" });
    const graph = imageGraph(model.config);
    const [first, second] = [guided(model, [5, 6, 7]), guided(model, [8, 9, 0], pixelsOf(model, "other"))];
    const alone = guided(model, [8, 9], pixelsOf(model, "other"));

    const both = (await model.run(graph, together(first, second))).image_tokens!;

    expect(maxRelativeError(cut(both, 0, 0, 1), (await model.run(graph, first)).image_tokens!)).toBeLessThan(rounding);
    expect(maxRelativeError(cut(both, 0, 1, 2), (await model.run(graph, alone)).image_tokens!)).toBeLessThan(rounding);
  });
});
