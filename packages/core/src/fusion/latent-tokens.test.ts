import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { FusionError } from "../errors/index.ts";
import { buildGraph } from "../ops/index.ts";
import { float32 } from "../tensor/index.ts";
import { runGraph } from "../testing/index.ts";
import { latentTokens } from "./latent-tokens.ts";

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

/** Latents and windows of a side × side map of one channel whose cells count 0, 1, 2 … */
async function latentsOf(side: number, latents: number, window: number) {
  const graph = buildGraph("latents", (op) => {
    const tokens = latentTokens(op, op.input("context", "float32", ["B", side, side, 1]), latents, window);
    op.output("initial", tokens.initial);
    op.output("windows", tokens.windows);
  });
  const context = float32(
    [1, side, side, 1],
    Array.from({ length: side * side }, (_, i) => i),
  );
  const { initial, windows } = await runGraph(backend, graph, { context });
  const area = window * window;
  return {
    initial: Array.from(initial!.data as Float32Array),
    windows: Array.from({ length: latents }, (_, q) =>
      Array.from(windows!.data.slice(q * area, (q + 1) * area) as Float32Array),
    ),
  };
}

describe("latentTokens", () => {
  it("window (i, j) is the w×w block (i, j) of the map", async () => {
    const { windows } = await latentsOf(6, 4, 3);

    //  0  1  2 |  3  4  5
    //  6  7  8 |  9 10 11
    // 12 13 14 | 15 16 17
    // ---------+---------
    // 18 19 20 | 21 22 23
    // 24 25 26 | 27 28 29
    // 30 31 32 | 33 34 35
    expect(windows).toEqual([
      [0, 1, 2, 6, 7, 8, 12, 13, 14],
      [3, 4, 5, 9, 10, 11, 15, 16, 17],
      [18, 19, 20, 24, 25, 26, 30, 31, 32],
      [21, 22, 23, 27, 28, 29, 33, 34, 35],
    ]);
  });

  it("each latent starts as the maximum over its part of the map", async () => {
    expect((await latentsOf(6, 4, 3)).initial).toEqual([14, 17, 32, 35]);
  });

  it("pools overlapping bins where the sizes do not divide", async () => {
    // Two bins of five cells are rows 0-2 and 2-4; four are 0-1, 1-2, 2-3 and 3-4.
    const { initial, windows } = await latentsOf(5, 4, 2);

    expect(initial).toEqual([12, 14, 22, 24]);
    expect(windows[0]).toEqual([6, 7, 11, 12]);
    expect(windows[3]).toEqual([18, 19, 23, 24]);
  });

  it.each([0, 5, -4, 2.25, Number.NaN])("refuses %s latents", (latents) => {
    let thrown: unknown;
    try {
      buildGraph("latents", (op) => latentTokens(op, op.input("context", "float32", ["B", 6, 6, 1]), latents, 3));
    } catch (error) {
      thrown = error;
    }

    expect(FusionError.isInstance(thrown) && thrown.code).toBe("OPTION_INVALID");
  });
});
