import type { OnnxModel } from "./backend.ts";

/** y = -x on one float32, opset 21: the smallest model that shows whether a device computes. */
const onnx = "CApCAhAVOjYKCwoBeBIBeSIDTmVnEgVwcm9iZVoPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAE=";

export const probeModel: OnnxModel = {
  name: "probe",
  bytes: Uint8Array.from(atob(onnx), (character) => character.charCodeAt(0)),
  inputs: [{ name: "x", dtype: "float32", shape: [1] }],
  outputs: [{ name: "y", dtype: "float32", shape: [1] }],
};
