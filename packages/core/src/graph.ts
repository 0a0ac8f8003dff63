// Values, builder, verification, printing, ONNX bytes
export * from "./graph/index.ts";

// Operators with dtype and shape inference
export * from "./ops/index.ts";

// Layers and functions composed of operators
export * from "./nn/index.ts";
