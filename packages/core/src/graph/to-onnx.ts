import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { internalError } from "../errors/index.ts";
import { type Dtype, dtypeFacts, type Tensor } from "../tensor/index.ts";
import type { Graph } from "./graph.ts";
import type { Attribute, Node, Value } from "./value.ts";
import { verifyGraph } from "./verify.ts";

/** Opset of the standard domain; every operator in `ops/` is written against it. */
export const onnxOpset = 21;
/** IR version that belongs to the opset (ONNX 1.16). */
const irVersion = 10;

/** Where a parameter's numbers are. */
export type ParameterSource =
  /** Bytes inside a file, relative to the folder that the backend is given (fact (1) in docs/backends.md). */
  | {
      readonly kind: "file";
      readonly location: string;
      readonly offset: number;
      readonly length: number;
      readonly dtype: Dtype;
    }
  /** Written into the ONNX bytes. */
  | { readonly kind: "data"; readonly tensor: Tensor }
  /** Fed at run time, as trained parameters are. */
  | { readonly kind: "input" };

export interface ToOnnxOptions {
  /** The source of each parameter; without it every parameter is an input. */
  readonly parameters?: (name: string) => ParameterSource;
}

/** A graph as a serialised ONNX ModelProto. Parameters stored in another float type get a Cast to float32. */
export function toOnnx(graph: Graph, { parameters = () => ({ kind: "input" }) }: ToOnnxOptions = {}): Uint8Array {
  verifyGraph(graph);
  const model = new BinaryWriter();
  model.uint32(tag(1, 0)).int64(irVersion);
  model.uint32(tag(2, 2)).string("fusion-vlm");
  const body = new BinaryWriter();
  const names = outputNames(graph);
  const inputs = [...graph.inputs];
  for (const value of graph.parameters) {
    const source = parameters(value.name);
    if (source.kind === "input") inputs.push(value);
    else writeParameter(body, value, source);
  }
  const constants = new Set(graph.nodes.flatMap((node) => node.inputs).filter((value) => value?.kind === "constant"));
  for (const value of constants) message(body, 5, (writer) => writeTensor(writer, value!.name, value!.data!));
  for (const node of graph.nodes) message(body, 1, (writer) => writeNode(writer, node, names));
  for (const [name, value] of graph.outputs) writeAlias(body, name, value, names);
  body.uint32(tag(2, 2)).string(graph.name);
  for (const value of inputs) message(body, 11, (writer) => writeValueInfo(writer, value.name, value));
  for (const [name, value] of graph.outputs) message(body, 12, (writer) => writeValueInfo(writer, name, value));
  model.uint32(tag(7, 2)).bytes(body.finish());
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

/** A computed value takes the name of the first output it is; any further output of it is an Identity node. */
function outputNames(graph: Graph): Map<Value, string> {
  const names = new Map<Value, string>();
  for (const [name, value] of graph.outputs) {
    if (value.kind === "computed" && !names.has(value)) names.set(value, name);
  }
  return names;
}

function writeAlias(body: BinaryWriter, name: string, value: Value, names: Map<Value, string>): void {
  if (names.get(value) === name) return;
  message(body, 1, (writer) =>
    writeNode(
      writer,
      {
        name: `output/${name}`,
        op: "Identity",
        domain: "",
        inputs: [value],
        outputs: [{ ...value, name }],
        attributes: {},
      },
      names,
    ),
  );
}

function writeParameter(body: BinaryWriter, value: Value, source: Exclude<ParameterSource, { kind: "input" }>): void {
  const dtype = source.kind === "file" ? source.dtype : source.tensor.dtype;
  const stored = dtype === value.dtype ? value.name : `${value.name}@${dtype}`;
  message(body, 5, (writer) => {
    if (source.kind === "data") writeTensor(writer, stored, source.tensor);
    else writeExternal(writer, stored, value, source);
  });
  if (stored === value.name) return;
  const from: Value = { ...value, name: stored, dtype };
  const to: Attribute = { type: "int", value: dtypeFacts[value.dtype].onnx };
  const cast: Node = {
    name: `${value.name}/Cast`,
    op: "Cast",
    domain: "",
    inputs: [from],
    outputs: [value],
    attributes: { to },
  };
  message(body, 1, (writer) => writeNode(writer, cast, new Map()));
}

function writeNode(writer: BinaryWriter, node: Node, names: Map<Value, string>): void {
  const nameOf = (value: Value | undefined) => (value ? (names.get(value) ?? value.name) : "");
  for (const input of node.inputs) writer.uint32(tag(1, 2)).string(nameOf(input));
  for (const output of node.outputs) writer.uint32(tag(2, 2)).string(nameOf(output));
  writer.uint32(tag(3, 2)).string(node.name);
  writer.uint32(tag(4, 2)).string(node.op);
  for (const [name, attribute] of Object.entries(node.attributes)) {
    message(writer, 5, (inner) => writeAttribute(inner, name, attribute));
  }
  if (node.domain) writer.uint32(tag(7, 2)).string(node.domain);
}

/** AttributeProto.AttributeType: FLOAT 1, INT 2, STRING 3, FLOATS 6, INTS 7. */
function writeAttribute(writer: BinaryWriter, name: string, attribute: Attribute): void {
  writer.uint32(tag(1, 2)).string(name);
  switch (attribute.type) {
    case "float":
      writer.uint32(tag(2, 5)).float(attribute.value).uint32(tag(20, 0)).int32(1);
      break;
    case "int":
      writer.uint32(tag(3, 0)).int64(attribute.value).uint32(tag(20, 0)).int32(2);
      break;
    case "string":
      writer.uint32(tag(4, 2)).bytes(new TextEncoder().encode(attribute.value)).uint32(tag(20, 0)).int32(3);
      break;
    case "floats":
      for (const value of attribute.value) writer.uint32(tag(7, 5)).float(value);
      writer.uint32(tag(20, 0)).int32(6);
      break;
    case "ints":
      for (const value of attribute.value) writer.uint32(tag(8, 0)).int64(value);
      writer.uint32(tag(20, 0)).int32(7);
      break;
  }
}

function writeTensor(writer: BinaryWriter, name: string, { dtype, shape, data }: Tensor): void {
  for (const size of shape) writer.uint32(tag(1, 0)).int64(size);
  writer.uint32(tag(2, 0)).int32(dtypeFacts[dtype].onnx);
  writer.uint32(tag(8, 2)).string(name);
  writer.uint32(tag(9, 2)).bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function writeExternal(
  writer: BinaryWriter,
  name: string,
  value: Value,
  source: ParameterSource & { kind: "file" },
): void {
  for (const size of value.shape) writer.uint32(tag(1, 0)).int64(size as number);
  writer.uint32(tag(2, 0)).int32(dtypeFacts[source.dtype].onnx);
  writer.uint32(tag(8, 2)).string(name);
  const entries = { location: source.location, offset: String(source.offset), length: String(source.length) };
  for (const [key, text] of Object.entries(entries)) {
    message(writer, 13, (inner) => inner.uint32(tag(1, 2)).string(key).uint32(tag(2, 2)).string(text));
  }
  writer.uint32(tag(14, 0)).int32(1); // data_location = EXTERNAL
}

function writeValueInfo(writer: BinaryWriter, name: string, value: Value): void {
  writer.uint32(tag(1, 2)).string(name);
  message(writer, 2, (type) =>
    message(type, 1, (tensorType) => {
      tensorType.uint32(tag(1, 0)).int32(dtypeFacts[value.dtype].onnx);
      message(tensorType, 2, (shape) => {
        for (const size of value.shape) {
          message(shape, 1, (dimension) => {
            if (typeof size === "number") dimension.uint32(tag(1, 0)).int64(size);
            else dimension.uint32(tag(2, 2)).string(size);
          });
        }
      });
    }),
  );
}

function tag(field: number, wireType: 0 | 2 | 5): number {
  if (field <= 0) throw internalError("to-onnx", `field ${field}`);
  return (field << 3) | wireType;
}

function message(writer: BinaryWriter, field: number, body: (inner: BinaryWriter) => unknown): void {
  writer.uint32(tag(field, 2)).fork();
  body(writer);
  writer.join();
}
