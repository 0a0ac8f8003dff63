import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import { type Dtype, dtypeFacts, type Tensor } from "../tensor/index.ts";
import type { Attribute, Node, Value } from "./value.ts";

/*
 * The messages of onnx.proto that a graph needs, field by field.
 * Field numbers: https://github.com/onnx/onnx/blob/v1.16.0/onnx/onnx.proto
 */

/** Bytes inside a file. */
export interface ExternalData {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
  readonly dtype: Dtype;
}

/** NodeProto; `nameOf` says what each value is called in the file. */
export function writeNode(writer: BinaryWriter, node: Node, nameOf: (value: Value | undefined) => string): void {
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

/** TensorProto with its bytes. */
export function writeTensor(writer: BinaryWriter, name: string, { dtype, shape, data }: Tensor): void {
  for (const size of shape) writer.uint32(tag(1, 0)).int64(size);
  writer.uint32(tag(2, 0)).int32(dtypeFacts[dtype].onnx);
  writer.uint32(tag(8, 2)).string(name);
  writer.uint32(tag(9, 2)).bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/** TensorProto whose bytes lie in a file. */
export function writeExternal(
  writer: BinaryWriter,
  name: string,
  shape: readonly number[],
  source: ExternalData,
): void {
  for (const size of shape) writer.uint32(tag(1, 0)).int64(size);
  writer.uint32(tag(2, 0)).int32(dtypeFacts[source.dtype].onnx);
  writer.uint32(tag(8, 2)).string(name);
  const entries = { location: source.location, offset: String(source.offset), length: String(source.length) };
  for (const [key, text] of Object.entries(entries)) {
    message(writer, 13, (inner) => inner.uint32(tag(1, 2)).string(key).uint32(tag(2, 2)).string(text));
  }
  writer.uint32(tag(14, 0)).int32(1); // data_location = EXTERNAL
}

/** ValueInfoProto; symbolic sizes become dim_param. */
export function writeValueInfo(writer: BinaryWriter, name: string, value: Value): void {
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

/** The tag in front of a field: wire type 0 varint, 2 length-delimited, 5 four bytes. */
export function tag(field: number, wireType: 0 | 2 | 5): number {
  return (field << 3) | wireType;
}

/** A field that is a message. */
export function message(writer: BinaryWriter, field: number, body: (inner: BinaryWriter) => unknown): void {
  writer.uint32(tag(field, 2)).fork();
  body(writer);
  writer.join();
}
