import type { Value } from "../../graph/index.ts";
import type { DifferentiableOperatorName, mathOperators, OpBuilder } from "../../ops/index.ts";
import { type RuleOf, rule } from "../rule.ts";
import { unbroadcast } from "../unbroadcast.ts";

type Differentiable = Extract<keyof typeof mathOperators, DifferentiableOperatorName>;

/** y = f(x): dx = dy · f'(x), with y at hand where f' is simpler in it. */
function unary(derivative: (op: OpBuilder, x: Value, y: Value, dy: Value) => Value) {
  return rule<Record<never, never>>(({ op, input, outputs }, dy) => [() => derivative(op, input(0), outputs[0]!, dy)]);
}

/** y = f(a, b) with broadcasting: each gradient is summed back to its operand's shape. */
function binary(
  left: (op: OpBuilder, a: Value, b: Value, y: Value, dy: Value) => Value,
  right: (op: OpBuilder, a: Value, b: Value, y: Value, dy: Value) => Value,
) {
  return rule<Record<never, never>>(({ op, input, outputs }, dy) => {
    const [a, b] = [input(0), input(1)];
    return [
      () => unbroadcast(op, left(op, a, b, outputs[0]!, dy), a.shape),
      () => unbroadcast(op, right(op, a, b, outputs[0]!, dy), b.shape),
    ];
  });
}

export const mathRules: { readonly [Name in Differentiable]: RuleOf<Name> } = {
  /** y = a + b */
  Add: binary(
    (_op, _a, _b, _y, dy) => dy,
    (_op, _a, _b, _y, dy) => dy,
  ),
  /** y = a − b */
  Sub: binary(
    (_op, _a, _b, _y, dy) => dy,
    (op, _a, _b, _y, dy) => op.Neg(dy),
  ),
  /** y = a·b */
  Mul: binary(
    (op, _a, b, _y, dy) => op.Mul(dy, b),
    (op, a, _b, _y, dy) => op.Mul(dy, a),
  ),
  /** y = a/b: db = −dy·y/b */
  Div: binary(
    (op, _a, b, _y, dy) => op.Div(dy, b),
    (op, _a, b, y, dy) => op.Neg(op.Div(op.Mul(dy, y), b)),
  ),
  /**
   * y = a^b: da = dy·b·a^(b−1), db = dy·y·ln a
   *
   * 0 where the limit is: da for b = 0, db for a = 0 < b. db is NaN for a < 0, where no neighbouring power exists.
   */
  Pow: binary(
    (op, a, b, _y, dy) => op.Mul(dy, op.Where(op.Equal(b, 0), 0, op.Mul(b, op.Pow(a, op.Sub(b, 1))))),
    (op, a, _b, y, dy) => op.Mul(dy, op.Mul(y, op.Log(op.Where(op.Equal(a, 0), 1, a)))),
  ),
  /** The larger operand gets the gradient; of equal ones the first. */
  Max: binary(
    (op, a, b, _y, dy) => op.Where(op.GreaterOrEqual(a, b), dy, 0),
    (op, a, b, _y, dy) => op.Where(op.GreaterOrEqual(a, b), 0, dy),
  ),
  /** The smaller operand gets the gradient; of equal ones the first. */
  Min: binary(
    (op, a, b, _y, dy) => op.Where(op.Greater(a, b), 0, dy),
    (op, a, b, _y, dy) => op.Where(op.Greater(a, b), dy, 0),
  ),
  Neg: unary((op, _x, _y, dy) => op.Neg(dy)),
  /** y = √x: dx = dy/(2y) */
  Sqrt: unary((op, _x, y, dy) => op.Div(op.Mul(dy, 0.5), y)),
  Exp: unary((op, _x, y, dy) => op.Mul(dy, y)),
  Log: unary((op, x, _y, dy) => op.Div(dy, x)),
  Sin: unary((op, x, _y, dy) => op.Mul(dy, op.Cos(x))),
  Cos: unary((op, x, _y, dy) => op.Neg(op.Mul(dy, op.Sin(x)))),
  /** dx = dy·(1 − y²) */
  Tanh: unary((op, _x, y, dy) => op.Sub(dy, op.Mul(dy, op.Mul(y, y)))),
  /** dx = dy·y·(1 − y) */
  Sigmoid: unary((op, _x, y, dy) => op.Mul(dy, op.Mul(y, op.Sub(1, y)))),
  /** dx = dy·2/√π·exp(−x²) */
  Erf: unary((op, x, _y, dy) => op.Mul(dy, op.Mul(op.Exp(op.Neg(op.Mul(x, x))), 2 / Math.sqrt(Math.PI)))),
  /** y = condition ? a : b */
  Where: rule(({ op, input }, dy) => [
    undefined,
    () => unbroadcast(op, op.Where(input(0), dy, 0), input(1).shape),
    () => unbroadcast(op, op.Where(input(0), 0, dy), input(2).shape),
  ]),
  /** Between float types; whole numbers and booleans carry no gradient in the first place. */
  Cast: rule(({ op, input }, dy) => [() => op.Cast(dy, input(0).dtype)]),
  Gelu: rule(({ op, input, outputs, attributes }, dy) => [
    () => {
      const isTanh = attributes.approximate === "tanh";
      return op.Mul(dy, isTanh ? geluTanhDerivative(op, input(0), outputs[0]!) : geluDerivative(op, input(0)));
    },
  ]),
};

/** y = x·Φ(x): y' = Φ(x) + x·φ(x), Φ = (1 + erf(x/√2))/2, φ = exp(−x²/2)/√(2π) */
function geluDerivative(op: OpBuilder, x: Value): Value {
  const cumulative = op.Add(op.Mul(op.Erf(op.Mul(x, Math.SQRT1_2)), 0.5), 0.5);
  const density = op.Mul(op.Exp(op.Mul(op.Mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return op.Add(cumulative, op.Mul(x, density));
}

/**
 * y = x/2·(1 + tanh u), u = √(2/π)(x + 0.044715x³)
 *
 * As (1 + tanh u)/2 = σ(2u) =: s, y = x·s and y' = s + y·(1 − s)·2u', which takes fewer passes than tanh does.
 */
function geluTanhDerivative(op: OpBuilder, x: Value, y: Value): Value {
  const scale = 2 * Math.sqrt(2 / Math.PI);
  const square = op.Mul(x, x);
  const s = op.Sigmoid(op.Mul(x, op.Add(op.Mul(square, scale * 0.044715), scale)));
  const slope = op.Add(op.Mul(square, 3 * scale * 0.044715), scale); // 2u'
  return op.Add(s, op.Mul(op.Sub(y, op.Mul(y, s)), slope));
}
