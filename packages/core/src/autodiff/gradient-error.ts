import { type ErrorCode, FusionError } from "../errors/index.ts";
import type { Node, Value } from "../graph/index.ts";

/** Whether a gradient can flow through a value. */
export function isFloat({ dtype }: Value): boolean {
  return dtype.includes("float");
}

/** Throws DTYPE_MISMATCH for whole numbers and booleans. */
export function requireFloat(value: Value): void {
  if (isFloat(value)) return;
  throw new FusionError({
    code: "DTYPE_MISMATCH",
    at: `gradient for ${value.name}`,
    expected: "floating-point numbers",
    actual: value.dtype,
    hint: "Ask for gradients of float values only.",
  });
}

export function graphMistake(at: string, expected: string, actual: string, hint: string): FusionError {
  return new FusionError({ code: "GRAPH_INVALID", at, expected, actual, hint });
}

/** @param key - under which the rule would stand in the table */
export function missingRule(node: Node, key: string): FusionError {
  return new FusionError({
    code: "UNSUPPORTED_OP",
    at: `gradient of ${node.name}`,
    expected: "a gradient rule",
    actual: `none for operator ${key}`,
    hint: "Pass one in `rules`, or keep this operator off the path from the trained values to the loss.",
  });
}

export function missingGradient(node: Node, index: number, what: string): never {
  throw new FusionError({
    code: "UNSUPPORTED_OP",
    at: inputPath(node, index),
    expected: what,
    actual: "nothing",
    hint: "Return a function for each float input from the rule; zerosLike(op, input) where nothing flows.",
  });
}

export function gradientMismatch(
  code: Extract<ErrorCode, "DTYPE_MISMATCH" | "SHAPE_MISMATCH">,
  node: Node,
  index: number,
  expected: string,
  actual: string,
): FusionError {
  const hint = "The rule of this operator is wrong; correct it in the table of rules.";
  return new FusionError({ code, at: inputPath(node, index), expected, actual, hint });
}

function inputPath(node: Node, index: number): string {
  return `gradient of ${node.op} (${node.name}) for input ${index}`;
}
