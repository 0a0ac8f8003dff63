import { defineOperator, sameDtype, shapeError } from "./operator.ts";

/*
 * Matrix products with quantised weights, of ONNX Runtime's own domain. They answer questions; nothing is trained through them.
 */

const domain = "com.microsoft";

/**
 * y = x·(b · b_scale) + bias for rows x [M, K] and int8 b [K, N]: x is rounded to 8 bits with one scale for the whole call.
 *
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.DynamicQuantizeMatMul
 */
export const DynamicQuantizeMatMul = defineOperator({
  name: "DynamicQuantizeMatMul",
  domain,
  inputs: ["x", "b", "b_scale", "b_zero_point", "bias"],
  attributes: {},
  differentiable: false,
  infer: ({ at, input, inputs }) => {
    const [x, b, scale] = [input(0), input(1), input(2)];
    const dtype = sameDtype(at, x, scale);
    const [inner, columns] = b.shape;
    if (x.shape.length !== 2 || b.shape.length !== 2 || x.shape[1] !== inner || scale.shape[0] !== columns) {
      throw shapeError(at, "[M, K], [K, N] and a scale [N]", x, b, scale);
    }
    if (inputs[4] && inputs[4].shape[0] !== columns) throw shapeError(at, "a bias [N]", inputs[4]);
    return [{ dtype, shape: [x.shape[0]!, columns!] }];
  },
});

/**
 * y = x·Wᵀ + bias for rows x [M, K] and W [N, K] in blocks of `bits` bits along K, packed as b [N, ⌈K/block_size⌉, block_size·bits/8].
 *
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MatMulNBits
 */
export const MatMulNBits = defineOperator({
  name: "MatMulNBits",
  domain,
  inputs: ["x", "b", "scales", "zero_points", "g_idx", "bias"],
  attributes: { K: "int", N: "int", bits: "int", block_size: "int", accuracy_level: "int" },
  differentiable: false,
  infer: ({ at, input, inputs, attributes: { K, N, bits, block_size } }) => {
    const [x, b, scales] = [input(0), input(1), input(2)];
    const dtype = sameDtype(at, x, scales);
    const blocks = Math.ceil(K / block_size);
    const packed = [N, blocks, (block_size * bits) / 8];
    const isRight = b.shape.length === 3 && packed.every((size, axis) => b.shape[axis] === size);
    if (x.shape.length !== 2 || x.shape[1] !== K || !isRight || scales.shape[0] !== N || scales.shape[1] !== blocks) {
      throw shapeError(at, `[M, ${K}], [${packed.join(", ")}] and scales [${N}, ${blocks}]`, x, b, scales);
    }
    if (inputs[5] && inputs[5].shape[0] !== N) throw shapeError(at, `a bias [${N}]`, inputs[5]);
    return [{ dtype, shape: [x.shape[0]!, N] }];
  },
});

export const quantizedOperators = { DynamicQuantizeMatMul, MatMulNBits } as const;
