import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { float32, int64 } from "../tensor/index.ts";
import { maxRelativeError } from "../testing/index.ts";
import { imageGraph, lossGraph } from "./graphs.ts";
import { cut, guided, noise, pixelsOf, TinyModel } from "./tiny-model-for-tests.ts";

/** A difference that no rounding explains. */
const visible = 1e-3;

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

describe("the class token of CLIP", () => {
  it("is a row of the tower and no row of any feature", async () => {
    const model = new TinyModel(backend, { tower: "clip" });
    const feeds = guided(model, [5, 6, 7]);

    const fetched = await model.run(imageGraph(model.config), feeds, [
      "vision.text.h0",
      "vision.text.mm",
      "image_tokens",
    ]);

    expect(fetched["vision.text.h0"]!.shape[1]).toBe(1 + 16 + 3);
    expect(fetched.image_tokens).toEqual(cut(fetched["vision.text.mm"]!, 1, 1, 17));
  });

  it("does not depend on the picture before the first layer, the patches do", async () => {
    const model = new TinyModel(backend, { tower: "clip" });
    const [one, other] = await Promise.all(
      ["one", "other"].map((name) =>
        model.run(imageGraph(model.config), guided(model, [5], pixelsOf(model, name)), ["vision.text.h0"]),
      ),
    );
    const [a, b] = [one!["vision.text.h0"]!, other!["vision.text.h0"]!];

    expect(cut(a, 1, 0, 1)).toEqual(cut(b, 1, 0, 1));
    expect(maxRelativeError(cut(a, 1, 1, 17), cut(b, 1, 1, 17))).toBeGreaterThan(visible);
  });

  it("is left out of the loss: F_v0 and its reconstruction have one row per patch", async () => {
    const model = new TinyModel(backend, { tower: "clip" });
    const names = ["vision.vision_embeddings", "vision.vision_features", "vision.text.h0"];
    const graph = lossGraph(model.config, 4);
    expect(names.map((name) => graph.marks.get(name)!.shape[1])).toEqual([16, 16, "I + 17"]);

    const fetched = await model.run(graph, guidedLossFeeds(model), ["vision.vision_embeddings", "vision.text.h0"]);

    expect(fetched["vision.vision_embeddings"]).toEqual(cut(fetched["vision.text.h0"]!, 1, 1, 17));
  });

  /** Every input of the loss graph has to be fed, also those that the chosen marks do not need. */
  function guidedLossFeeds(model: TinyModel) {
    const side = model.config.vision.imageSize;
    return {
      ...guided(model, [5, 6, 7]),
      sub_images: noise("sub", [1, 4, 3, side, side]),
      input_ids: int64([1, 1], [1]),
      row_source: int64([1, 1], [0]),
      position_ids: int64([1, 1], [0]),
      question_rows: int64([1, 1], [0]),
      latent_rows: int64([1, 1, 4], [0, 0, 0, 0]),
      latent_source: int64([1, 1], [-1]),
      answer_rows: int64([1], [0]),
      answer_ids: int64([1], [0]),
      answer_weights: float32([1], [1]),
    };
  }
});
