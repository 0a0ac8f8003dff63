import type { Dtype } from "../tensor/index.ts";
import { dtypeFacts } from "../tensor/index.ts";
import { broadcast, defineOperator, dtypeError, floatDtype, type Operator, sameDtype } from "./operator.ts";

/** y = f(x), element by element, for floating-point numbers. */
function unary<const Name extends string>(name: Name): Operator<Name, Record<never, never>, true> {
  return defineOperator({
    name,
    inputs: ["x"],
    attributes: {},
    differentiable: true,
    infer: ({ at, input }) => [{ dtype: floatDtype(at, input(0)), shape: input(0).shape }],
  });
}

/** y = f(a, b) with broadcasting. */
function binary<const Name extends string>(name: Name): Operator<Name, Record<never, never>, true> {
  return defineOperator({
    name,
    inputs: ["a", "b"],
    attributes: {},
    differentiable: true,
    infer: ({ at, input }) => {
      const dtype = sameDtype(at, input(0), input(1));
      if (dtype === "bool") throw dtypeError(at, "numbers", input(0), input(1));
      return [{ dtype, shape: broadcast(at, input(0), input(1)) }];
    },
  });
}

/** y = whether a stands in a relation to b, with broadcasting. */
function comparison<const Name extends string>(name: Name): Operator<Name, Record<never, never>, false> {
  return defineOperator({
    name,
    inputs: ["a", "b"],
    attributes: {},
    differentiable: false,
    infer: ({ at, input }) => {
      sameDtype(at, input(0), input(1));
      return [{ dtype: "bool", shape: broadcast(at, input(0), input(1)) }];
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
export const Sqrt = unary("Sqrt");
export const Exp = unary("Exp");
export const Log = unary("Log");
export const Sin = unary("Sin");
export const Cos = unary("Cos");
export const Tanh = unary("Tanh");
export const Sigmoid = unary("Sigmoid");
export const Erf = unary("Erf");
export const Equal = comparison("Equal");
export const Less = comparison("Less");
export const Greater = comparison("Greater");
export const GreaterOrEqual = comparison("GreaterOrEqual");

/** y = −x, for signed numbers. */
export const Neg = defineOperator({
  name: "Neg",
  inputs: ["x"],
  attributes: {},
  differentiable: true,
  infer: ({ at, input }) => {
    const { dtype, shape } = input(0);
    if (dtype === "bool" || dtype === "uint8") throw dtypeError(at, "signed numbers", input(0));
    return [{ dtype, shape }];
  },
});

/** y = a ∧ b with broadcasting. */
export const And = defineOperator({
  name: "And",
  inputs: ["a", "b"],
  attributes: {},
  differentiable: false,
  infer: ({ at, input }) => {
    if (sameDtype(at, input(0), input(1)) !== "bool") throw dtypeError(at, "bool operands", input(0), input(1));
    return [{ dtype: "bool", shape: broadcast(at, input(0), input(1)) }];
  },
});

/** y = ¬x. */
export const Not = defineOperator({
  name: "Not",
  inputs: ["x"],
  attributes: {},
  differentiable: false,
  infer: ({ at, input }) => {
    if (input(0).dtype !== "bool") throw dtypeError(at, "a bool operand", input(0));
    return [{ dtype: "bool", shape: input(0).shape }];
  },
});

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
export const Cast = defineOperator({
  name: "Cast",
  inputs: ["x"],
  attributes: { to: "int" },
  differentiable: true,
  infer: ({ at, input, attributes }) => {
    const found = Object.entries(dtypeFacts).find(([, facts]) => facts.onnx === attributes.to);
    if (!found) throw dtypeError(at, `a known element type, asked for number ${attributes.to}`, input(0));
    return [{ dtype: found[0] as Dtype, shape: input(0).shape }];
  },
});

/** y = x/2·(1 + erf(x/√2)), or its tanh approximation. */
export const Gelu = defineOperator({
  name: "Gelu",
  inputs: ["x"],
  attributes: { approximate: "string" },
  differentiable: true,
  infer: ({ at, input }) => [{ dtype: floatDtype(at, input(0)), shape: input(0).shape }],
});

export const mathOperators = {
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
} as const;
