import { divideDims, type Value } from "../graph/index.ts";
import type { OpBuilder } from "../ops/index.ts";
import type { FusionConfig } from "./config.ts";
import { hierarchicalFeatures } from "./hierarchical-features.ts";
import { visionToText } from "./projectors.ts";
import { visionEmbedding } from "./vision-embedding.ts";
import { visionEncoder } from "./vision-encoder.ts";

/**
 * C: the four sub-images, encoded without text by the same tower and MLP_v2t, put back into one map (paper 3.2).
 *
 * @param subImages - [4·B, 3, c, c], row-major quarters of each image
 * @returns [B, 2√P, 2√P, D]
 */
export function globalContext(op: OpBuilder, config: FusionConfig, subImages: Value): Value {
  const { vision } = config;
  const embedded = visionEmbedding(op, vision, subImages);
  const hidden = visionEncoder(op, vision, embedded, {}, "vision.global");
  const features = op.mark("vision.global.connector", hierarchicalFeatures(op, hidden, vision.half));
  const projected = op.mark("vision.global.mm", visionToText(op, config, features)); // [4B, V, D]
  const patches = vision.classToken ? op.Slice(projected, 1, 1) : projected;
  return op.scope("global_context", () => stitch(op, patches, vision.grid, config.language.hiddenSize));
}

/** [4·B, P, D] → [B, 2√P, 2√P, D]: quarters in the order top-left, top-right, bottom-left, bottom-right. */
function stitch(op: OpBuilder, quarters: Value, grid: number, width: number): Value {
  const batch = divideDims(quarters.shape[0]!, 4)!;
  const cells = op.Reshape(quarters, [batch, 2, 2, grid, grid, width]);
  const ordered = op.Transpose(cells, [0, 1, 3, 2, 4, 5]); // [B, 2, √P, 2, √P, D]
  const map = op.Reshape(ordered, [batch, 2 * grid, 2 * grid, width]);
  op.mark("global.features", op.Reshape(map, [batch, 4 * grid * grid, width]));
  return map;
}
