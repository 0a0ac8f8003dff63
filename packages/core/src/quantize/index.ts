export type { MatrixRows } from "./matrix-rows.ts";
export { quantizeGraph, weightMatrices } from "./quantize-graph.ts";
export { type Int4Matrix, Int4Quantizer } from "./quantize-int4.ts";
export { type Int8Matrix, Int8Quantizer } from "./quantize-int8.ts";
export { answeringGraphs, formatsOf, quantizedParameters } from "./quantized-parameters.ts";
export { type StoredTensor, storedTensors } from "./stored-tensors.ts";
