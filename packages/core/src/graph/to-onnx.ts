import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { FusionError } from "../errors/index.ts";
import { dtypeFacts, type Tensor } from "../tensor/index.ts";
import { formatShape, sameShape } from "./dims.ts";
import type { Graph } from "./graph.ts";
import {
  type ExternalData,
  message,
  tag,
  writeExternal,
  writeNode,
  writeTensor,
  writeValueInfo,
} from "./onnx-messages.ts";
import type { Attribute, Node, Value } from "./value.ts";
import { verifyGraph } from "./verify.ts";

/** Opset of the standard domain; every operator in `ops/` is written against it. */
export const onnxOpset = 21;
/** IR version that belongs to the opset (ONNX 1.16). */
const irVersion = 10;

/** Where a parameter's numbers are. */
export type ParameterSource =
  /** Bytes inside a file, relative to the folder that the backend is given (fact (1) in docs/backends.md). */
  | ({ readonly kind: "file" } & ExternalData)
  /** Written into the ONNX bytes. */
  | { readonly kind: "data"; readonly tensor: Tensor }
  /** Fed at run time, as trained parameters are. */
  | { readonly kind: "input" };

export interface ToOnnxOptions {
  /** The source of each parameter; without it every parameter is an input. */
  readonly parameters?: (name: string) => ParameterSource;
}

/**
 * A graph as a serialised ONNX ModelProto. Parameters stored in another float type get a Cast to float32.
 *
 * @throws GRAPH_INVALID as {@link verifyGraph} does; SHAPE_MISMATCH for parameter data of another shape
 */
export function toOnnx(graph: Graph, { parameters = () => ({ kind: "input" }) }: ToOnnxOptions = {}): Uint8Array {
  verifyGraph(graph);
  const model = new BinaryWriter();
  model.uint32(tag(1, 0)).int64(irVersion);
  model.uint32(tag(2, 2)).string("fusion-vlm");
  message(model, 7, (body) => writeGraph(body, graph, parameters));
  for (const [domain, version] of [
    ["", onnxOpset],
    ["com.microsoft", 1],
  ] as const) {
    message(model, 8, (writer) => {
      if (domain) writer.uint32(tag(1, 2)).string(domain);
      writer.uint32(tag(2, 0)).int64(version);
    });
  }
  return model.finish();
}

function writeGraph(body: BinaryWriter, graph: Graph, sourceOf: (name: string) => ParameterSource): void {
  const names = outputNames(graph);
  const nameOf = (value: Value | undefined) => (value ? (names.get(value) ?? value.name) : "");
  const inputs = [...graph.inputs];
  for (const value of graph.parameters) {
    const source = sourceOf(value.name);
    if (source.kind === "input") inputs.push(value);
    else writeParameter(body, value, source);
  }
  for (const { name, data } of constantsOf(graph)) message(body, 5, (writer) => writeTensor(writer, name, data!));
  for (const node of graph.nodes) message(body, 1, (writer) => writeNode(writer, node, nameOf));
  for (const [name, value] of graph.outputs) {
    if (nameOf(value) !== name)
      message(body, 1, (writer) =>
        writeNode(writer, identity(name, value), (each) => (each?.name === name ? name : nameOf(each))),
      );
  }
  body.uint32(tag(2, 2)).string(graph.name);
  for (const value of inputs) message(body, 11, (writer) => writeValueInfo(writer, value.name, value));
  for (const [name, value] of graph.outputs) message(body, 12, (writer) => writeValueInfo(writer, name, value));
}

/** A computed value takes the name of the first output it is; any further output of it is an Identity node. */
function outputNames(graph: Graph): Map<Value, string> {
  const names = new Map<Value, string>();
  for (const [name, value] of graph.outputs) {
    if (value.kind === "computed" && !names.has(value)) names.set(value, name);
  }
  return names;
}

function constantsOf(graph: Graph): Set<Value> {
  const used = [...graph.nodes.flatMap((node) => node.inputs), ...graph.outputs.values()];
  return new Set(used.filter((value): value is Value => value?.kind === "constant"));
}

function identity(name: string, value: Value): Node {
  return {
    name: `output/${name}`,
    op: "Identity",
    domain: "",
    inputs: [value],
    outputs: [{ ...value, name }],
    attributes: {},
  };
}

function writeParameter(body: BinaryWriter, value: Value, source: Exclude<ParameterSource, { kind: "input" }>): void {
  const dtype = source.kind === "file" ? source.dtype : source.tensor.dtype;
  const stored = dtype === value.dtype ? value.name : `${value.name}@${dtype}`;
  if (source.kind === "data" && !sameShape(source.tensor.shape, value.shape)) throw otherShape(value, source.tensor);
  message(body, 5, (writer) => {
    if (source.kind === "data") writeTensor(writer, stored, source.tensor);
    else writeExternal(writer, stored, value.shape as readonly number[], source);
  });
  if (stored === value.name) return;
  const to: Attribute = { type: "int", value: dtypeFacts[value.dtype].onnx };
  const name = `${value.name}/Cast`;
  const cast = {
    name,
    op: "Cast",
    domain: "",
    inputs: [{ ...value, name: stored, dtype }],
    outputs: [value],
    attributes: { to },
  };
  message(body, 1, (writer) => writeNode(writer, cast, (each) => each!.name));
}

function otherShape(value: Value, actual: Tensor): FusionError {
  return new FusionError({
    code: "SHAPE_MISMATCH",
    at: value.name,
    expected: formatShape(value.shape),
    actual: formatShape(actual.shape),
    hint: "Give each parameter data of the shape that the graph declares.",
  });
}
