import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { maxRelativeError } from "../testing/index.ts";
import { contextGraph } from "./graphs.ts";
import { cut, noise, stack, TinyModel } from "./tiny-model-for-tests.ts";

/** Two runs of float32 sums in another order. */
const rounding = 1e-5;
const towers = ["siglip", "siglip2", "clip"] as const;

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

describe("global context", () => {
  it.each(towers)("puts the four quarters back where they were cut: %s", async (tower) => {
    const model = new TinyModel(backend, { tower });
    const side = model.config.vision.imageSize;
    const names = ["context", "vision.global.mm"];

    const fetched = await model.run(
      contextGraph(model.config),
      { sub_images: noise("sub", [2, 4, 3, side, side]) },
      names,
    );

    const [context, projected] = [fetched.context!, fetched["vision.global.mm"]!];
    const classRows = tower === "clip" ? 1 : 0;
    expect(context.shape).toEqual([2, 8, 8, 32]);
    expect(projected.shape).toEqual([8, 16 + classRows, 32]);
    for (let b = 0; b < 2; b++)
      for (let y = 0; y < 8; y++)
        for (let x = 0; x < 8; x++) {
          const quarter = 4 * b + 2 * Math.floor(y / 4) + Math.floor(x / 4);
          const row = classRows + (y % 4) * 4 + (x % 4);
          const from = (quarter * (16 + classRows) + row) * 32;
          const at = ((b * 8 + y) * 8 + x) * 32;
          expect(context.data.slice(at, at + 32)).toEqual(projected.data.slice(from, from + 32));
        }
  });

  it("is the same in a batch of two as in two of one", async () => {
    const model = new TinyModel(backend, {});
    const [one, two] = [noise("one", [1, 4, 3, 16, 16]), noise("two", [1, 4, 3, 16, 16])];
    const graph = contextGraph(model.config);

    const both = (await model.run(graph, { sub_images: stack(one, two) })).context!;

    expect(maxRelativeError(cut(both, 0, 1, 2), (await model.run(graph, { sub_images: two })).context!)).toBeLessThan(
      rounding,
    );
  });
});
