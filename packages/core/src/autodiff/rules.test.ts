import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { isDifferentiable, operators } from "../ops/index.ts";
import { gradientCases } from "./gradient-cases-for-tests.ts";
import { gradientErrors } from "./gradient-check-for-tests.ts";
import { type GradientRules, gradientRules } from "./index.ts";

/** A few roundings of float32 (6e-8 each); sums of a dozen terms stand behind a gradient at most. */
const rounding = 2e-6;
/** What is left of central differences in float64. */
const differencing = 1e-8;

/** Operators through which no gradient flows; a new one belongs here, or needs a rule and a case. */
const comparisons = ["And", "Equal", "Greater", "GreaterOrEqual", "Less", "Not", "Range", "Shape"];
const nonDifferentiable = [...comparisons, "DynamicQuantizeMatMul", "MatMulNBits"].sort();

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

describe("the table of rules", () => {
  it("has a rule and a test case for every differentiable operator, and for no other", () => {
    const names = Object.keys(operators);
    const tested = new Set(gradientCases.map(({ operator }) => operator));

    expect(names.filter((name) => !isDifferentiable(name)).sort()).toEqual(nonDifferentiable);
    expect(Object.keys(gradientRules).sort()).toEqual(names.filter(isDifferentiable).sort());
    expect([...tested].sort()).toEqual(names.filter(isDifferentiable).sort());
  });
});

describe.each(gradientCases)("the gradient of $operator, $what", (given) => {
  it("is the slope of the operator, with named and with fixed sizes", async () => {
    const [named, fixed] = [
      await gradientErrors(backend, given, { dtype: "float32" }),
      await gradientErrors(backend, given, { dtype: "float32", fixed: true }),
    ];

    expect(Math.max(...named, ...fixed)).toBeLessThan(rounding);
  });
});

/** The engine has no float64 Erf, Gelu and Cos, and the case of Cast is a mix of both. */
const float64Cases = gradientCases.filter(({ float64 }) => !float64);

describe.each(float64Cases)("the gradient of $operator, $what, in float64", (given) => {
  it("keeps that precision", async () => {
    expect(Math.max(...(await gradientErrors(backend, given, { dtype: "float64" })))).toBeLessThan(differencing);
  });
});

describe("these tests", () => {
  it.each(Object.keys(gradientRules))("notice a gradient of %s that is one percent too large", async (operator) => {
    const given = gradientCases.find((each) => each.operator === operator)!;
    const right = gradientRules[given.operator] as unknown as GradientRules[string];
    const wrong: GradientRules[string] = (application, dys) =>
      right(application, dys).map((thunk) => thunk && (() => application.op.Mul(thunk(), 1.01)));

    const rules = { ...(gradientRules as unknown as GradientRules), [operator]: wrong };

    const errors = await gradientErrors(backend, given, { dtype: "float32", rules });
    expect(Math.max(...errors)).toBeGreaterThan(1e-3);
  });
});
