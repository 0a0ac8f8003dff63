export * from "./index.ts";
export { openSafetensors } from "./safetensors-file-node.ts";
export { openWeights } from "./weight-store-node.ts";
export { sourceOf, writeSafetensors } from "./write-safetensors-node.ts";
export { writeWeights } from "./write-weights-node.ts";
