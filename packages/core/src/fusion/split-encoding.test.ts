import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { maxRelativeError } from "../testing/index.ts";
import { imageGraph } from "./graphs.ts";
import { hasImageBase, imageBaseGraph, imageGuidedGraph } from "./split-encoding.ts";
import { guided, TinyModel } from "./tiny-model-for-tests.ts";

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

describe.each(["siglip", "siglip2", "clip"] as const)("%s in two graphs", (tower) => {
  it("gives the image tokens of the one graph, for one base and every instruction", async () => {
    const model = new TinyModel(backend, { tower, semantics: "paper" });
    const { pixel_values, ...first } = guided(model, [5, 9, 3]);
    const base = await model.run(imageBaseGraph(model.config), { pixel_values });

    for (const instruction of [first, withoutPixels(guided(model, [7, 2, 0, 11, 4]))]) {
      const whole = await model.run(imageGraph(model.config), { pixel_values, ...instruction });
      const split = await model.run(imageGuidedGraph(model.config), { ...base, ...instruction });

      expect(maxRelativeError(split.image_tokens!, whole.image_tokens!)).toBeLessThan(1e-5);
    }
  });
});

it("is for paper semantics only: released pictures see the text from the first layer on", () => {
  expect(hasImageBase(new TinyModel(backend, { semantics: "paper" }).config)).toBe(true);
  expect(hasImageBase(new TinyModel(backend, { semantics: "released" }).config)).toBe(false);
});

function withoutPixels({ pixel_values: _, ...instruction }: ReturnType<typeof guided>) {
  return instruction;
}
