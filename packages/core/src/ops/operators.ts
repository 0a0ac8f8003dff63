import type { Node } from "../graph/index.ts";
import { mathOperators } from "./math.ts";
import { matrixOperators } from "./matrix.ts";
import { movementOperators } from "./movement.ts";
import type { AttributeValues, Operator } from "./operator.ts";
import { quantizedOperators } from "./quantized.ts";
import { reduceOperators } from "./reduce.ts";
import { shapeOperators } from "./shape.ts";

/** Every operator that {@link OpBuilder} writes, by its ONNX name. */
export const operators = {
  ...mathOperators,
  ...matrixOperators,
  ...reduceOperators,
  ...movementOperators,
  ...shapeOperators,
  ...quantizedOperators,
} as const;

export type OperatorName = keyof typeof operators;

/**
 * Operators through which a gradient flows.
 *
 * A table typed `{ [Name in DifferentiableOperatorName]: Rule<Name> }` does not compile while a rule is missing.
 */
export type DifferentiableOperatorName = {
  [Name in OperatorName]: (typeof operators)[Name]["differentiable"] extends true ? Name : never;
}[OperatorName];

/** The attributes of an operator with their TypeScript types: `OperatorAttributes<"Gather">` is `{ axis: number }`. */
export type OperatorAttributes<Name extends OperatorName> = AttributeValues<(typeof operators)[Name]["attributes"]>;

/** The definition of a node's operator; undefined for one of another domain or from a plugin. */
export function operatorOf(node: Node): Operator | undefined {
  if (!Object.hasOwn(operators, node.op)) return undefined;
  const operator: Operator = operators[node.op as OperatorName];
  return (operator.domain ?? "") === node.domain ? operator : undefined;
}

/** True where a gradient flows through the operator of that name. */
export function isDifferentiable(name: string): name is DifferentiableOperatorName {
  return Object.hasOwn(operators, name) && operators[name as OperatorName].differentiable;
}
