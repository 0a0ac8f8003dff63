import { describe, expect, it } from "vitest";
import {
  buildGraph,
  type DifferentiableOperatorName,
  isDifferentiable,
  type OperatorAttributes,
  operatorOf,
  operators,
} from "./index.ts";
import { defineOperator } from "./operator.ts";

describe("the operator table", () => {
  it("holds every operator under its own name", () => {
    const misplaced = Object.entries(operators).filter(([key, { name }]) => key !== name);

    expect(misplaced).toEqual([]);
  });

  it("says which operators carry no gradient", () => {
    const names = Object.keys(operators).filter((name) => !isDifferentiable(name));

    const whole = ["And", "Equal", "Greater", "GreaterOrEqual", "Less", "Not", "Range", "Shape"];
    expect(names.sort()).toEqual([...whole, "DynamicQuantizeMatMul", "MatMulNBits"].sort());
    expect(isDifferentiable("Conv")).toBe(false);
  });

  it("types a table of one rule per differentiable operator, so that a missing one does not compile", () => {
    type Rules = { [Name in DifferentiableOperatorName]: (attributes: OperatorAttributes<Name>) => number };
    const complete = (rules: Partial<Rules>): Rules => rules as Rules;
    const rules = complete({ Gather: ({ axis }) => axis, Transpose: ({ perm }) => perm.length });
    // @ts-expect-error: Add and most others are missing
    const incomplete: Rules = { Gather: ({ axis }) => axis };
    // @ts-expect-error: no gradient flows through a comparison
    const excluded: DifferentiableOperatorName = "Less";

    expect(rules.Gather({ axis: 1 }) + incomplete.Gather({ axis: 1 })).toBe(2);
    expect(isDifferentiable(excluded)).toBe(false);
  });

  it("finds the definition of a node, but not of another domain's namesake", () => {
    const Namesake = defineOperator({
      name: "Add",
      domain: "com.example",
      inputs: ["x"],
      attributes: {},
      differentiable: false,
      infer: ({ input }) => [{ dtype: input(0).dtype, shape: input(0).shape }],
    });
    const graph = buildGraph("g", (op) => {
      const x = op.input("x", "float32", ["B"]);
      op.output("y", op.Add(op.apply(Namesake, [x], {})[0]!, 1));
    });

    expect(graph.nodes.map(operatorOf)).toEqual([undefined, operators.Add]);
  });

  it("takes a definition from outside like its own", () => {
    const TopHalf = defineOperator({
      name: "TopHalf",
      domain: "com.example",
      inputs: ["x"],
      attributes: { scale: "float" },
      differentiable: false,
      infer: ({ input, attributes }) => [{ dtype: input(0).dtype, shape: [attributes.scale * 2] }],
    });
    const graph = buildGraph("g", (op) => {
      op.output("y", op.apply(TopHalf, [op.input("x", "float32", ["B"])], { scale: 3 })[0]!);
    });

    expect(graph.nodes[0]).toMatchObject({
      domain: "com.example",
      attributes: { scale: { type: "float", value: 3 } },
      outputs: [{ dtype: "float32", shape: [6] }],
    });
  });
});
