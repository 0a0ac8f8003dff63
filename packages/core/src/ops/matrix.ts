import { formatShape, sameShape } from "../graph/index.ts";
import { broadcast, defineOperator, floatDtype, normalizeAxis, sameDtype, shapeError } from "./operator.ts";

/** y = a·b over the last two axes, the leading ones broadcast: [.., M, K]·[.., K, N] → [.., M, N]. */
export const MatMul = defineOperator({
  name: "MatMul",
  inputs: ["a", "b"],
  attributes: {},
  differentiable: true,
  infer: ({ at, input }) => {
    const [a, b] = [input(0), input(1)];
    const dtype = sameDtype(at, a, b);
    if (a.shape.length < 2 || b.shape.length < 2 || a.shape.at(-1) !== b.shape.at(-2)) {
      throw shapeError(at, "[.., M, K] and [.., K, N]", a, b);
    }
    return [{ dtype, shape: [...broadcast(at, a, b, 2), a.shape.at(-2)!, b.shape.at(-1)!] }];
  },
});

/** y = a·b + c for matrices; transA and transB read a matrix the other way round without copying it. */
export const Gemm = defineOperator({
  name: "Gemm",
  inputs: ["a", "b", "c"],
  attributes: { transA: "int", transB: "int" },
  differentiable: true,
  infer: ({ at, input, inputs, attributes: { transA, transB } }) => {
    const [a, b] = [input(0), input(1)];
    const dtype = sameDtype(at, a, b);
    if (a.shape.length !== 2 || b.shape.length !== 2) throw shapeError(at, "two matrices", a, b);
    const [rows, inner] = transA ? [a.shape[1]!, a.shape[0]!] : [a.shape[0]!, a.shape[1]!];
    const [depth, columns] = transB ? [b.shape[1]!, b.shape[0]!] : [b.shape[0]!, b.shape[1]!];
    if (inner !== depth) throw shapeError(at, "matrices that share their inner size", a, b);
    const c = inputs[2];
    if (c) sameDtype(at, a, c);
    if (c && !(c.shape.at(-1) === columns && (c.shape.length === 1 || (c.shape.length === 2 && c.shape[0] === rows)))) {
      throw shapeError(at, `a bias [${columns}] or [${rows}, ${columns}]`, c);
    }
    return [{ dtype, shape: [rows, columns] }];
  },
});

/** y = exp(x) / Σ exp(x) along one axis. */
export const Softmax = defineOperator({
  name: "Softmax",
  inputs: ["x"],
  attributes: { axis: "int" },
  differentiable: true,
  infer: ({ at, input, attributes }) => {
    normalizeAxis(at, attributes.axis, input(0));
    return [{ dtype: floatDtype(at, input(0)), shape: input(0).shape }];
  },
});

/** y = x − log Σ exp(x) along one axis. */
export const LogSoftmax = defineOperator({ ...Softmax, name: "LogSoftmax" });

/** y = (x − mean) / √(variance + epsilon) · scale + bias over the axes from `axis` on. */
export const LayerNormalization = defineOperator({
  name: "LayerNormalization",
  inputs: ["x", "scale", "bias"],
  attributes: { axis: "int", epsilon: "float" },
  differentiable: true,
  infer: ({ at, input, attributes }) => {
    const [x, scale, bias] = [input(0), input(1), input(2)];
    floatDtype(at, x);
    sameDtype(at, x, scale);
    const normalised = x.shape.slice(normalizeAxis(at, attributes.axis, x));
    if (!sameShape(scale.shape, normalised) || !sameShape(bias.shape, normalised)) {
      throw shapeError(at, `scale and bias ${formatShape(normalised)}`, x, scale, bias);
    }
    return [{ dtype: sameDtype(at, x, bias), shape: x.shape }];
  },
});

export const matrixOperators = { MatMul, Gemm, Softmax, LogSoftmax, LayerNormalization } as const;
