export { type Dtype, type DtypeArrays, decodeBfloat16, decodeFloat16, dtypeFacts } from "./dtype.ts";
export { createNormal, createRandom } from "./random.ts";
export { float32, int64, sizeOf, type Tensor, tensor, toFloat32, zeros } from "./tensor.ts";
