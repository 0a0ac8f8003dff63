import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { float32 } from "../tensor/index.ts";
import { maxRelativeError, type TinyModelOptions } from "../testing/index.ts";
import { imageGraph } from "./graphs.ts";
import { guided, TinyModel } from "./tiny-model-for-tests.ts";

/** Two runs of float32 sums in another order. */
const rounding = 1e-5;

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

describe("image-token grids (FUSION-L)", () => {
  it("halve to the means of 2×2 cells", async () => {
    const options: TinyModelOptions = { tower: "siglip" };
    const [full, half] = [
      new TinyModel(backend, options),
      new TinyModel(backend, { ...options, config: { fusion_image_tokens: 4 } }),
    ];
    const feeds = guided(full, [5, 6, 7]);

    const tokens = (await full.run(imageGraph(full.config), feeds)).image_tokens!.data as Float32Array;
    const fewer = (await half.run(imageGraph(half.config), feeds)).image_tokens!;

    const cell = (y: number, x: number, d: number) => tokens[(y * 4 + x) * 32 + d]!;
    const expected = [0, 2].flatMap((y) =>
      [0, 2].flatMap((x) =>
        Array.from(
          { length: 32 },
          (_, d) => (cell(y, x, d) + cell(y, x + 1, d) + cell(y + 1, x, d) + cell(y + 1, x + 1, d)) / 4,
        ),
      ),
    );
    expect(maxRelativeError(fewer, float32([1, 4, 32], expected))).toBeLessThan(rounding);
  });

  it.each([1, 9, 16, 25])("have any square size: %i", async (fusion_image_tokens) => {
    const model = new TinyModel(backend, { config: { fusion_image_tokens } });

    const { image_tokens } = await model.run(imageGraph(model.config), guided(model, [5]));

    expect(image_tokens!.shape).toEqual([1, fusion_image_tokens, 32]);
  });
});
