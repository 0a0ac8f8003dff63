export { mathOperators } from "./math.ts";
export { matrixOperators } from "./matrix.ts";
export { movementOperators } from "./movement.ts";
export { buildGraph, OpBuilder, type Operand } from "./op-builder.ts";
export { defineOperator, type InferContext, type Inferred, type Operator } from "./operator.ts";
export { reduceOperators } from "./reduce.ts";
