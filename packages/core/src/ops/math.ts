import type { Dtype } from "../tensor/index.ts";
import { dtypeFacts } from "../tensor/index.ts";
import { broadcast, defineOperator, dtypeError, type Operator, sameDtype } from "./operator.ts";

/** y = f(x), element by element. */
function unary(name: string, differentiable = true): Operator {
  return defineOperator({
    name,
    inputs: ["x"],
    attributes: {},
    differentiable,
    infer: ({ input }) => [{ dtype: input(0).dtype, shape: input(0).shape }],
  });
}

/** y = f(a, b) with broadcasting. */
function binary(name: string, differentiable = true, result?: Dtype): Operator {
  return defineOperator({
    name,
    inputs: ["a", "b"],
    attributes: {},
    differentiable,
    infer: ({ at, input }) => {
      const dtype = sameDtype(at, input(0), input(1));
      return [{ dtype: result ?? dtype, shape: broadcast(at, input(0), input(1)) }];
    },
  });
}

export const Add = binary("Add");
export const Sub = binary("Sub");
export const Mul = binary("Mul");
export const Div = binary("Div");
export const Pow = binary("Pow");
export const Max = binary("Max");
export const Min = binary("Min");
export const Neg = unary("Neg");
export const Sqrt = unary("Sqrt");
export const Exp = unary("Exp");
export const Log = unary("Log");
export const Sin = unary("Sin");
export const Cos = unary("Cos");
export const Tanh = unary("Tanh");
export const Sigmoid = unary("Sigmoid");
export const Erf = unary("Erf");
export const Equal = binary("Equal", false, "bool");
export const Less = binary("Less", false, "bool");
export const Greater = binary("Greater", false, "bool");
export const GreaterOrEqual = binary("GreaterOrEqual", false, "bool");
export const And = binary("And", false, "bool");
export const Not = unary("Not", false);

/** y = condition ? a : b with broadcasting of all three. */
export const Where = defineOperator({
  name: "Where",
  inputs: ["condition", "a", "b"],
  attributes: {},
  differentiable: true,
  infer: ({ at, input }) => {
    if (input(0).dtype !== "bool") throw dtypeError(at, "a bool condition", input(0));
    const dtype = sameDtype(at, input(1), input(2));
    const branches = { ...input(1), shape: broadcast(at, input(1), input(2)) };
    return [{ dtype, shape: broadcast(at, input(0), branches) }];
  },
});

/** y = x in another dtype; `to` is the ONNX element type. */
export const Cast = defineOperator<{ to: number }>({
  name: "Cast",
  inputs: ["x"],
  attributes: { to: "int" },
  differentiable: true,
  infer: ({ input, attributes }) => {
    const found = Object.entries(dtypeFacts).find(([, facts]) => facts.onnx === attributes.to)!;
    return [{ dtype: found[0] as Dtype, shape: input(0).shape }];
  },
});

/** y = x/2·(1 + erf(x/√2)), or its tanh approximation. */
export const Gelu = defineOperator<{ approximate: string }>({
  name: "Gelu",
  inputs: ["x"],
  attributes: { approximate: "string" },
  differentiable: true,
  infer: ({ input }) => [{ dtype: input(0).dtype, shape: input(0).shape }],
});

export const mathOperators = [
  Add,
  Sub,
  Mul,
  Div,
  Pow,
  Max,
  Min,
  Neg,
  Sqrt,
  Exp,
  Log,
  Sin,
  Cos,
  Tanh,
  Sigmoid,
  Erf,
  Equal,
  Less,
  Greater,
  GreaterOrEqual,
  And,
  Not,
  Where,
  Cast,
  Gelu,
] as const;
