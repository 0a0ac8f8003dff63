export { type Activation, activate } from "./activation.ts";
export { attend, attentionScores, maskedScore, mergeHeads, splitHeads, weighValues } from "./attention.ts";
export { bilinearTokens, interpolationMatrix } from "./bilinear.ts";
export { type LinearOptions, linear, rowsGemm } from "./linear.ts";
export { cosineDistance, crossEntropy, weightedMean } from "./loss.ts";
export { layerNorm, rmsNorm } from "./norm.ts";
export { adaptiveMaxPool, poolingBins } from "./pooling.ts";
export { applyRope, type RopeScaling, type RopeTable, type RopeValues, ropeTable, ropeValues } from "./rope.ts";
