export * from "./index.ts";
export { type QuantizingOptions, quantizedWeights } from "./quantized-weights-node.ts";
