export { canonicalShape, type DimSource, GraphBuilder, type NodeSpec } from "./builder.ts";
export {
  addDims,
  type Dim,
  dim,
  divideDims,
  formatShape,
  multiplyDims,
  type Shape,
  sameShape,
  subtractDims,
  termsOf,
} from "./dims.ts";
export { type Graph, prune, withOutputs } from "./graph.ts";
export { printGraph } from "./print.ts";
export { cutName, type GraphSegment, segments } from "./segments.ts";
export { onnxOpset, type ParameterSource, type ToOnnxOptions, toOnnx } from "./to-onnx.ts";
export type { Attribute, Node, Value, ValueKind } from "./value.ts";
export { verifyGraph } from "./verify.ts";
