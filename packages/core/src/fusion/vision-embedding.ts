import type { Value } from "../graph/index.ts";
import { layerNorm, rowsGemm } from "../nn/index.ts";
import type { OpBuilder } from "../ops/index.ts";
import type { VisionConfig } from "./config.ts";
import { towerPrefix } from "./names.ts";

/**
 * F_v0: patch embeddings plus position embeddings; CLIP adds its class token and pre-layernorm.
 *
 * The patch convolution (stride = patch size) is a Gemm over flattened patches, so it differentiates like any other.
 * Pixels past the last whole patch are left out, as a valid convolution does (384 = 27·14 + 6).
 *
 * @param pixels - [B, 3, c, c]
 * @returns [B, P, E], with the class token in front for CLIP: [B, 1+P, E]
 */
export function visionEmbedding(op: OpBuilder, config: VisionConfig, pixels: Value): Value {
  const prefix = `${towerPrefix}.embeddings`;
  const { hiddenSize: width, grid, classToken } = config;
  const positions = op.parameter(`${prefix}.position_embedding.weight`, [grid * grid + (classToken ? 1 : 0), width]);
  const patches = op.scope(`${prefix}.patch_embedding`, () => patchEmbedding(op, config, pixels));
  if (!classToken) return op.scope(prefix, () => op.Add(patches, positions)); // [B, P, E]
  const states = op.scope(prefix, () => {
    const token = op.Reshape(op.parameter(`${prefix}.class_embedding`, [width]), [1, 1, width]);
    return op.Add(op.Concat([op.Expand(token, [pixels.shape[0]!, 1, width]), patches], 1), positions); // [B, 1+P, E]
  });
  return layerNorm(op, `${towerPrefix}.pre_layrnorm`, states, config.normEpsilon);
}

function patchEmbedding(
  op: OpBuilder,
  { hiddenSize: width, patchSize: p, grid, classToken }: VisionConfig,
  pixels: Value,
): Value {
  const name = `${towerPrefix}.embeddings.patch_embedding`;
  const kernel = op.parameter(`${name}.weight`, [width, 3, p, p]);
  const bias = classToken ? undefined : op.parameter(`${name}.bias`, [width]);
  return rowsGemm(op, patchRows(op, pixels, grid, p), op.Reshape(kernel, [width, 3 * p * p]), width, bias);
}

/** [B, 3, c, c] → [B, P, 3·p·p], each row one patch in the order of the convolution's weights. */
function patchRows(op: OpBuilder, pixels: Value, grid: number, p: number): Value {
  const batch = pixels.shape[0]!;
  const [, channels, side] = pixels.shape as readonly number[];
  const used = grid * p;
  const cropped = side === used ? pixels : op.Slice(op.Slice(pixels, 2, 0, used), 3, 0, used);
  const cells = op.Reshape(cropped, [batch, channels!, grid, p, grid, p]);
  const ordered = op.Transpose(cells, [0, 2, 4, 1, 3, 5]); // [B, √P, √P, 3, p, p]
  return op.Reshape(ordered, [batch, grid * grid, channels! * p * p]);
}
