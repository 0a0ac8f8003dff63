import type { Graph, Value } from "../graph/index.ts";
import { bilinearTokens } from "../nn/index.ts";
import { buildGraph, type OpBuilder } from "../ops/index.ts";
import type { FusionConfig } from "./config.ts";
import { encoderMasks } from "./encoder-masks.ts";
import { mean } from "./hierarchical-features.ts";
import { textToVision, visionToText } from "./projectors.ts";
import { embedTokens } from "./text-guided-encoding.ts";
import { visionEmbedding } from "./vision-embedding.ts";
import { type EncoderKeyValue, encoderLayer } from "./vision-encoder.ts";

/*
 * Text-guided encoding in two graphs, for several questions about one picture. Under `paper` semantics the rows of the picture see
 * no text in the first half of the tower (paper 3.1), so that half is the same for every question:
 *
 *   image base    pixels                       → keys and values of each layer of the first half, the state and the mean behind it
 *   image guided  those and an instruction     → image tokens
 *
 * Together they compute what the image graph does.
 */

export const baseKeyName = (layer: number): string => `base_key_${layer}`;
export const baseValueName = (layer: number): string => `base_value_${layer}`;

/** True where the picture's first half does not depend on the text. */
export function hasImageBase({ semantics }: FusionConfig): boolean {
  return semantics === "paper";
}

/** From `pixel_values` [B, 3, c, c]: `base_key_i`, `base_value_i` [B, A, V, H], `base_state` and `base_early` [B, V, E]. */
export function imageBaseGraph(config: FusionConfig): Graph {
  const { vision } = config;
  return buildGraph("fusion.image_base", (op) => {
    const pixels = op.input("pixel_values", "float32", ["B", 3, vision.imageSize, vision.imageSize]);
    const hidden = [visionEmbedding(op, vision, pixels)];
    for (let layer = 0; layer < vision.half; layer++) {
      const { states, own } = encoderLayer(op, vision, layer, hidden[layer]!, {});
      hidden.push(states);
      op.output(baseKeyName(layer), own.key);
      op.output(baseValueName(layer), own.value);
    }
    op.output("base_state", hidden[vision.half]!);
    op.output("base_early", mean(op, hidden.slice(0, vision.half))); // (4)
  });
}

/** `image_tokens` [B, Pᵢ, D] from the outputs of the image base, `instruction_ids` and `instruction_mask` [B, I]. */
export function imageGuidedGraph(config: FusionConfig): Graph {
  const { vision } = config;
  const { half, heads, hiddenSize: width } = vision;
  const rows = vision.grid ** 2 + (vision.classToken ? 1 : 0);
  return buildGraph("fusion.image_guided", (op) => {
    const base = Array.from({ length: half }, (_, layer): EncoderKeyValue => {
      const shape = ["B", heads, rows, width / heads];
      return {
        key: op.input(baseKeyName(layer), "float32", shape),
        value: op.input(baseValueName(layer), "float32", shape),
      };
    });
    const state = op.input("base_state", "float32", ["B", rows, width]);
    const early = op.input("base_early", "float32", ["B", rows, width]);
    const ids = op.input("instruction_ids", "int64", ["B", "I"]);
    const textMask = op.input("instruction_mask", "float32", ["B", "I"]);
    const { secondHalf: mask } = encoderMasks(op, config.semantics, textMask, rows);

    const text = [textToVision(op, config, embedTokens(op, config, ids))]; // (1)(2) [B, I, E]
    for (let layer = 0; layer < half; layer++) {
      text.push(encoderLayer(op, vision, layer, text[layer]!, { mask, before: base[layer] }).states);
    }
    const hidden = [op.Concat([state, text[half]!], 1)]; // X_H [B, V+I, E]
    for (let layer = half; layer < vision.layers; layer++) {
      hidden.push(encoderLayer(op, vision, layer, hidden.at(-1)!, { mask }).states);
    }
    op.output(
      "image_tokens",
      imageTokens(op, config, { early, late: hidden.slice(0, half), final: hidden.at(-1)! }, rows),
    );
  });
}

/** (5)–(8) for the rows of the picture: no other row of the features is read. */
function imageTokens(
  op: OpBuilder,
  config: FusionConfig,
  states: { readonly early: Value; readonly late: readonly Value[]; readonly final: Value },
  rows: number,
): Value {
  const { vision, imageGrid } = config;
  const first = vision.classToken ? 1 : 0;
  const patches = (value: Value, end = rows) => op.Slice(value, 1, first, end);
  const late = mean(op, states.late); // (5)
  const features = op.Concat([patches(states.final), patches(states.early), patches(late)], -1); // (6)(7)
  const projected = visionToText(op, config, features); // (8) [B, P, D]
  return op.scope("image_tokens", () => bilinearTokens(op, projected, vision.grid, imageGrid));
}
