import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { buildGraph } from "../ops/index.ts";
import { createRandom, float32, type Tensor } from "../tensor/index.ts";
import { maxRelativeError, runGraph } from "../testing/index.ts";
import { adaptiveMaxPool, bilinearTokens, interpolationMatrix, poolingBins } from "./index.ts";

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

/** The cells of each bin by PyTorch's AdaptivePooling: start ⌊i·n/m⌋, end ⌈(i+1)·n/m⌉. */
function pytorchBins(cells: number, bins: number): number[][] {
  return Array.from({ length: bins }, (_, i) => {
    const start = Math.floor((i * cells) / bins);
    const end = Math.ceil(((i + 1) * cells) / bins);
    return Array.from({ length: end - start }, (_, step) => start + step);
  });
}

describe("poolingBins", () => {
  it.each([
    [8, 4, ["0 1", "2 3", "4 5", "6 7"]],
    [5, 2, ["0 1 2", "2 3 4"]],
    [7, 3, ["0 1 2", "2 3 4", "4 5 6"]],
    [10, 4, ["0 1 2", "2 3 4", "5 6 7", "7 8 9"]],
    [4, 6, ["0", "0 1", "1", "2", "2 3", "3"]],
    [54, 12, ["0 1 2 3 4", "4 5 6 7 8", "9 10 11 12 13", "13 14 15 16 17"]],
    [48, 5, ["0 1 2 3 4 5 6 7 8 9", "9 10 11 12 13 14 15 16 17 18 19"]],
  ])("pools %i cells into %i as PyTorch does", (cells, bins, first) => {
    const { width, indices } = poolingBins(cells, bins);
    const distinct = Array.from({ length: bins }, (_, i) => [...new Set(indices.slice(i * width, (i + 1) * width))]);

    expect(distinct.slice(0, first.length).map((bin) => bin.join(" "))).toEqual(first);
    expect(distinct).toEqual(pytorchBins(cells, bins));
  });
});

describe("adaptiveMaxPool", () => {
  async function pool(x: Tensor, bins: number): Promise<Tensor> {
    const [, n, , width] = x.shape as [number, number, number, number];
    const graph = buildGraph("pool", (op) => {
      op.output("y", adaptiveMaxPool(op, op.input("x", "float32", ["B", n, n, width]), bins));
    });
    return (await runGraph(backend, graph, { x })).y!;
  }

  it("takes the largest of each bin, channel by channel, also of negative numbers", async () => {
    const map = [-1, -2, -3, -4, -5, -6, -7, -8, -9];
    const both = map.flatMap((value) => [value, -value]);

    const y = await pool(float32([1, 3, 3, 2], both), 2); // bins 0-1 and 1-2 overlap

    expect(y.shape).toEqual([1, 2, 2, 2]);
    expect(Array.from(y.data as Float32Array)).toEqual([-1, 5, -2, 6, -4, 8, -5, 9]);
  });

  it.each([
    [10, 4],
    [12, 5],
    [6, 9],
    [6, 6],
  ])("equals the literal double loop for %i cells into %i bins", async (cells, bins) => {
    const random = createRandom(1, `${cells}/${bins}`);
    const x = float32(
      [2, cells, cells, 3],
      Array.from({ length: 2 * cells * cells * 3 }, () => random() - 0.5),
    );
    const ranges = pytorchBins(cells, bins);
    const expected: number[] = [];
    for (let b = 0; b < 2; b++)
      for (const rows of ranges)
        for (const columns of ranges)
          for (let d = 0; d < 3; d++) {
            const block = rows.flatMap((i) => columns.map((j) => x.data[((b * cells + i) * cells + j) * 3 + d]!));
            expected.push(Math.max(...block));
          }

    expect(await pool(x, bins)).toEqual(float32([2, bins, bins, 3], expected));
  });
});

describe("bilinear interpolation, align_corners = false", () => {
  // Output i reads at (i + 0.5)·from/to − 0.5, not below 0; weights by hand.
  it.each([
    [
      "halving averages pairs",
      4,
      2,
      [
        [0.5, 0.5, 0, 0],
        [0, 0, 0.5, 0.5],
      ],
    ],
    ["a third reads the middle of each three", 3, 1, [[0, 1, 0]]],
    [
      "3 to 2 reads at 0.25 and 1.75",
      3,
      2,
      [
        [0.75, 0.25, 0],
        [0, 0.25, 0.75],
      ],
    ],
    [
      "doubling reads at −0.25 (the edge), 0.25, 0.75 and 1.25 (the edge)",
      2,
      4,
      [
        [1, 0],
        [0.75, 0.25],
        [0.25, 0.75],
        [0, 1],
      ],
    ],
  ])("%s", (_case, from, to, rows) => {
    const matrix = interpolationMatrix(from, to);

    expect(Array.from({ length: to }, (_, i) => [...matrix.slice(i * from, (i + 1) * from)])).toEqual(rows);
  });

  it.each([
    [27, 12],
    [24, 16],
  ])("from %i to %i weighs with sums of 1", (from, to) => {
    const matrix = interpolationMatrix(from, to);

    for (let i = 0; i < to; i++) {
      expect(matrix.slice(i * from, (i + 1) * from).reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 6);
    }
  });

  it("interpolates token maps along both axes", async () => {
    const graph = buildGraph("bilinear", (op) => {
      op.output("y", bilinearTokens(op, op.input("x", "float32", ["B", 9, 2]), 3, 2));
    });
    // 10·row + column, and its negative
    const map = [0, 1, 2, 10, 11, 12, 20, 21, 22].flatMap((value) => [value, -value]);

    const { y } = await runGraph(backend, graph, { x: float32([1, 9, 2], map) });

    // rows and columns are read at 0.25 and 1.75
    const expected = [2.75, 4.25, 17.75, 19.25].flatMap((value) => [value, -value]);
    expect(maxRelativeError(y!, float32([1, 4, 2], expected))).toBeLessThan(1e-6);
  });

  it("is nothing where the grid stays", () => {
    const graph = buildGraph("same", (op) =>
      op.output("y", bilinearTokens(op, op.input("x", "float32", ["B", 9, 2]), 3, 3)),
    );

    expect(graph.nodes).toEqual([]);
  });
});
