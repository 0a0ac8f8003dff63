import type { Value } from "../../graph/index.ts";
import type { matrixOperators, OpBuilder } from "../../ops/index.ts";
import { type RuleOf, rule } from "../rule.ts";
import { transposeLast } from "../transpose-last.ts";
import { unbroadcast } from "../unbroadcast.ts";

export const matrixRules: { readonly [Name in keyof typeof matrixOperators]: RuleOf<Name> } = {
  /** y = a·b  ⇒  da = dy·bᵀ,  db = aᵀ·dy, each summed back over broadcast batches */
  MatMul: rule(({ op, input }, dy) => {
    const [a, b] = [input(0), input(1)];
    return [
      () => unbroadcast(op, op.MatMul(dy, transposeLast(op, b)), a.shape),
      () => unbroadcast(op, op.MatMul(transposeLast(op, a), dy), b.shape),
    ];
  }),
  /** y = a'·b' + c with a' = aᵀ under transA  ⇒  da' = dy·b'ᵀ,  db' = a'ᵀ·dy,  dc = Σ dy */
  Gemm: rule(({ op, input, inputs, attributes: { transA, transB } }, dy) => {
    const [a, b, c] = [input(0), input(1), inputs[2]];
    const left = () =>
      transA
        ? op.Gemm(b, dy, undefined, { transA: transB, transB: 1 })
        : op.Gemm(dy, b, undefined, { transB: 1 - transB });
    const right = () =>
      transB
        ? op.Gemm(dy, a, undefined, { transA: 1, transB: transA })
        : op.Gemm(a, dy, undefined, { transA: 1 - transA });
    return [left, right, c && (() => unbroadcast(op, dy, c.shape))];
  }),
  /** dx = y·(dy − Σ dy·y) */
  Softmax: rule(({ op, outputs, attributes: { axis } }, dy) => {
    const y = outputs[0]!;
    return [() => op.Mul(y, op.Sub(dy, op.ReduceSum(op.Mul(dy, y), [axis])))];
  }),
  /** dx = dy − exp(y)·Σ dy */
  LogSoftmax: rule(({ op, outputs, attributes: { axis } }, dy) => [
    () => op.Sub(dy, op.Mul(op.Exp(outputs[0]!), op.ReduceSum(dy, [axis]))),
  ]),
  /**
   * y = x̂·scale + bias, x̂ = (x − mean)·r, r = 1/√(variance + ε), over the axes from `axis` on
   *
   *   dx = r·(g − mean(g) − x̂·mean(g·x̂)),  g = dy·scale;   dscale = Σ dy·x̂;   dbias = Σ dy
   */
  LayerNormalization: rule(({ op, input, attributes: { axis, epsilon } }, dy) => {
    const [x, scale, bias] = [input(0), input(1), input(2)];
    const rank = x.shape.length;
    const first = (axis + rank) % rank;
    const axes = Array.from({ length: rank - first }, (_, i) => first + i);
    const { normalized, inverse } = normalize(op, x, axes, epsilon);
    return [
      () => {
        const g = op.Mul(dy, scale);
        const along = op.Mul(normalized, op.ReduceMean(op.Mul(g, normalized), axes));
        return op.Mul(inverse, op.Sub(op.Sub(g, op.ReduceMean(g, axes)), along));
      },
      () => unbroadcast(op, op.Mul(dy, normalized), scale.shape),
      () => unbroadcast(op, dy, bias.shape),
    ];
  }),
};

function normalize(
  op: OpBuilder,
  x: Value,
  axes: readonly number[],
  epsilon: number,
): Record<"normalized" | "inverse", Value> {
  const centered = op.Sub(x, op.ReduceMean(x, axes));
  const variance = op.ReduceMean(op.Mul(centered, centered), axes);
  const inverse = op.Div(1, op.Sqrt(op.Add(variance, epsilon)));
  return { normalized: op.Mul(centered, inverse), inverse };
}
