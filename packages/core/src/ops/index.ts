export { evaluateDim, type GraphCost, graphCost, type Sizes } from "./graph-cost.ts";
export { executionOrder, type GraphMemory, graphMemory } from "./graph-memory.ts";
export { mathOperators } from "./math.ts";
export { matrixOperators } from "./matrix.ts";
export { movementOperators } from "./movement.ts";
export { buildGraph, OpBuilder, type Operand } from "./op-builder.ts";
export {
  type AttributeSchema,
  type AttributeValues,
  defineOperator,
  type InferContext,
  type Inferred,
  type Operator,
} from "./operator.ts";
export { OperatorApplier } from "./operator-applier.ts";
export {
  type DifferentiableOperatorName,
  isDifferentiable,
  type OperatorAttributes,
  type OperatorName,
  operatorOf,
  operators,
} from "./operators.ts";
export { quantizedOperators } from "./quantized.ts";
export { reduceOperators } from "./reduce.ts";
export { shapeOperators } from "./shape.ts";
