import type { Value } from "../graph/index.ts";
import { activate, linear } from "../nn/index.ts";
import type { OpBuilder } from "../ops/index.ts";
import type { FusionConfig } from "./config.ts";
import { imageProjector, textProjector } from "./names.ts";

/** MLP_t2v, Eq. (2): text into vision space. [..., D] → [..., E] */
export function textToVision(op: OpBuilder, { language, vision }: FusionConfig, text: Value): Value {
  return mlp(op, textProjector, text, language.hiddenSize, vision.hiddenSize);
}

/** MLP_v2t, Eq. (8): hierarchical vision features into text space. [..., 3E] → [..., D] */
export function visionToText(op: OpBuilder, { language, vision }: FusionConfig, features: Value): Value {
  return mlp(op, imageProjector, features, 3 * vision.hiddenSize, language.hiddenSize);
}

/** Linear, GELU (erf), Linear; `mlp2x_gelu` in the reference. */
function mlp(op: OpBuilder, name: string, x: Value, inFeatures: number, outFeatures: number): Value {
  const inner = linear(op, `${name}.0`, x, { inFeatures, outFeatures, bias: true });
  const active = op.scope(name, () => activate(op, "gelu", inner));
  return linear(op, `${name}.2`, active, { inFeatures: outFeatures, outFeatures, bias: true });
}
