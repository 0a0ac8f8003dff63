import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import type { WeightFormat } from "../fusion/index.ts";
import { type Graph, toOnnx } from "../graph/index.ts";
import { linear } from "../nn/index.ts";
import { buildGraph } from "../ops/index.ts";
import { createNormal, float32, type Tensor, tensor } from "../tensor/index.ts";
import { quantizeGraph, weightMatrices } from "./quantize-graph.ts";
import { Int4Quantizer } from "./quantize-int4.ts";
import { Int8Quantizer } from "./quantize-int8.ts";
import { storedTensors } from "./stored-tensors.ts";

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ device: "cpu", threads: 1, worker: false });
});
afterAll(() => backend.dispose());

const normal = createNormal(3, "quantize");
const draw = (count: number) => Float32Array.from({ length: count }, normal);

/** x·Wᵀ + b and x·Wᵀ of the same rows. */
function products(rows: number, columns: number): Graph {
  return buildGraph("products", (op) => {
    const x = op.input("x", "float32", ["M", columns]);
    const sizes = { inFeatures: columns, outFeatures: rows };
    op.output("biased", linear(op, "a", x, { ...sizes, bias: true }));
    op.output("plain", linear(op, "b", x, sizes));
  });
}

/** The numbers that a quantised matrix stands for, worked out from its definition. */
function restored(format: WeightFormat, rows: number, columns: number, weight: Float32Array) {
  const all = { first: 0, count: rows, data: weight };
  const values = new Float32Array(rows * columns);
  if (format.bits === 8) {
    const quantizer = new Int8Quantizer(rows, columns);
    quantizer.add(all);
    const { data, scale } = quantizer.finish();
    values.forEach((_, i) => {
      const [row, column] = [Math.floor(i / columns), i % columns];
      values[i] = data[column * rows + row]! * scale[row]!;
    });
    return { values, data, scale };
  }
  const quantizer = new Int4Quantizer(rows, columns, format.block);
  quantizer.add(all);
  const { data, scale } = quantizer.finish();
  const blocks = Math.ceil(columns / format.block);
  values.forEach((_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const block = row * blocks + Math.floor(column / format.block);
    const within = column % format.block;
    const byte = data[(block * format.block) / 2 + (within >> 1)]!;
    values[i] = ((within % 2 === 0 ? byte & 15 : byte >> 4) - 8) * scale[block]!;
  });
  return { values, data, scale };
}

async function run(graph: Graph, feeds: Record<string, Tensor>) {
  const info = ({ name, dtype, shape }: Graph["inputs"][number]) => ({ name, dtype, shape });
  const program = await backend.compile({
    name: graph.name,
    bytes: toOnnx(graph),
    inputs: [...graph.inputs, ...graph.parameters].map(info),
    outputs: [...graph.outputs].map(([name, value]) => info({ ...value, name })),
  });
  const fetched = await program.run(feeds);
  await program.dispose();
  return fetched;
}

describe.each<[string, WeightFormat]>([
  ["int8", { bits: 8 }],
  ["int4 in blocks of 32", { bits: 4, block: 32 }],
  ["int4 in blocks of 128", { bits: 4, block: 128 }],
])("a graph in %s", (_name, format) => {
  test.each([
    [1, 96, 160],
    [5, 48, 432],
    [40, 64, 128],
  ])("multiplies %i rows by a [%i, %i] matrix as its definition says", async (count, rows, columns) => {
    const graph = quantizeGraph(products(rows, columns), () => format);
    const weight = draw(rows * columns);
    const { values, data, scale } = restored(format, rows, columns, weight);
    const x = draw(count * columns);
    const bias = draw(rows);
    const feeds: Record<string, Tensor> = { x: float32([count, columns], x), "a.bias": float32([rows], bias) };
    for (const layer of ["a", "b"]) {
      const stored = storedTensors(`${layer}.weight`, [rows, columns], format);
      feeds[stored.weight.name] = tensor(stored.weight.dtype, stored.weight.shape, data as never);
      feeds[stored.scale.name] = tensor("float32", stored.scale.shape, scale);
    }

    const { biased, plain } = await run(graph, feeds);

    expect(graph.parameters.map(({ name }) => name).toSorted()).toEqual(
      Object.keys(feeds)
        .filter((k) => k !== "x")
        .toSorted(),
    );
    const exact = (plain!.data as Float32Array).map((_, i) => {
      const [m, n] = [Math.floor(i / rows), i % rows];
      let sum = 0;
      for (let k = 0; k < columns; k++) sum += x[m * columns + k]! * values[n * columns + k]!;
      return sum;
    });
    const size = Math.sqrt(exact.reduce((sum, value) => sum + value * value, 0) / exact.length);
    const error = (given: Float32Array, add: (n: number) => number) =>
      Math.sqrt(given.reduce((sum, value, i) => sum + (value - exact[i]! - add(i % rows)) ** 2, 0) / given.length) /
      size;
    // What is left are activations in 8 bits.
    expect(error(plain!.data as Float32Array, () => 0)).toBeLessThan(0.012);
    expect(error(biased!.data as Float32Array, (n) => bias[n]!)).toBeLessThan(0.012);
  });

  test("loses of normal weights what so many levels lose", () => {
    const weight = draw(64 * 512);
    const { values } = restored(format, 64, 512, weight);
    const error = Math.sqrt(values.reduce((sum, value, i) => sum + (value - weight[i]!) ** 2, 0) / values.length);

    expect(error).toBeLessThan(format.bits === 8 ? 0.009 : format.block === 32 ? 0.09 : 0.12);
  });

  test("keeps zeros, and rows of zeros, exactly", () => {
    const weight = draw(2 * 256).fill(0, 256);
    weight[7] = 0;
    const { values } = restored(format, 2, 256, weight);

    expect(values[7]).toBe(0);
    expect([...values.subarray(256)].every((value) => value === 0)).toBe(true);
  });
});

test("only matrices with a format are replaced, and what nobody reads any more goes", () => {
  const graph = quantizeGraph(products(8, 32), (name) => (name === "a.weight" ? { bits: 8 } : undefined));

  expect(graph.nodes.map(({ op }) => op).filter((op) => op !== "Reshape")).toEqual(["DynamicQuantizeMatMul", "Gemm"]);
  expect(graph.parameters.map(({ name }) => name).toSorted()).toEqual([
    "a.bias",
    "a.scale_q8",
    "a.weight_q8",
    "b.weight",
  ]);
  expect(weightMatrices(products(8, 32)).map(({ name }) => name)).toEqual(["a.weight", "b.weight"]);
});

test("a matrix that is also looked up stays beside its quantised form", () => {
  const tied = buildGraph("tied", (op) => {
    const table = op.parameter("model.embed_tokens.weight", [16, 32]);
    const x = op.Gather(table, op.input("ids", "int64", ["M"]));
    op.output("logits", op.Gemm(x, table, undefined, { transB: 1 }));
  });

  const { parameters } = quantizeGraph(tied, () => ({ bits: 8 }));

  expect(parameters.map(({ name }) => name)).toEqual([
    "model.embed_tokens.weight",
    "model.embed_tokens.weight_q8",
    "model.embed_tokens.scale_q8",
  ]);
});
