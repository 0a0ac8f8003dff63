import type { Dtype, Tensor } from "../tensor/index.ts";
import type { Shape } from "./dims.ts";

/** How a value comes to be: fed, loaded from a checkpoint, written in the graph, or computed by a node. */
export type ValueKind = "input" | "parameter" | "constant" | "computed";

/** One edge of a graph. Parameters carry their checkpoint name. */
export interface Value {
  readonly name: string;
  readonly kind: ValueKind;
  readonly dtype: Dtype;
  readonly shape: Shape;
  /** The contents of a constant. */
  readonly data?: Tensor;
}

/** ONNX attributes with their type spelled out, since a number alone does not tell int from float. */
export type Attribute =
  | { readonly type: "int"; readonly value: number }
  | { readonly type: "float"; readonly value: number }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "ints"; readonly value: readonly number[] }
  | { readonly type: "floats"; readonly value: readonly number[] };

/** One operator application. `name` is the scope path and operator, such as `model.layers.3.self_attn/MatMul_1`. */
export interface Node {
  readonly name: string;
  readonly op: string;
  /** Empty for the ONNX standard domain. */
  readonly domain: string;
  /** An omitted optional input is undefined. */
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}
