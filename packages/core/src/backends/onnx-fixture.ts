import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { type Dtype, dtypeFacts } from "../tensor/index.ts";
import type { OnnxModel, ValueInfo } from "./backend.ts";

/*
 * ONNX models for tests, written field by field, so that the backends are tested without the graph room.
 * Field numbers: https://github.com/onnx/onnx/blob/v1.18.0/onnx/onnx.proto3
 */

export interface FixtureNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** float32 weights that lie in a file of the model's weights folder. */
export interface FixtureWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

export interface Fixture {
  readonly name: string;
  readonly nodes: readonly FixtureNode[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly weights?: readonly FixtureWeight[];
  readonly weightsFolder?: string;
}

export function onnxFixture({ name, nodes, inputs, outputs, weights = [], weightsFolder }: Fixture): OnnxModel {
  const graph = new BinaryWriter();
  for (const [index, node] of nodes.entries()) writeMessage(graph, 1, nodeBytes(node, index));
  writeString(graph, 2, name);
  for (const weight of weights) writeMessage(graph, 5, weightBytes(weight));
  for (const input of inputs) writeMessage(graph, 11, valueBytes(input));
  for (const output of outputs) writeMessage(graph, 12, valueBytes(output));
  const opset = new BinaryWriter();
  writeInteger(opset, 2, 21);
  const model = new BinaryWriter();
  writeInteger(model, 1, 10);
  writeMessage(model, 8, opset.finish());
  writeMessage(model, 7, graph.finish());
  return { name, bytes: model.finish(), inputs, outputs, ...(weightsFolder !== undefined && { weightsFolder }) };
}

export function value(name: string, dtype: Dtype, shape: readonly (number | string)[]): ValueInfo {
  return { name, dtype, shape };
}

function nodeBytes({ op, inputs, outputs }: FixtureNode, index: number): Uint8Array {
  const writer = new BinaryWriter();
  for (const input of inputs) writeString(writer, 1, input);
  for (const output of outputs) writeString(writer, 2, output);
  writeString(writer, 3, index === 0 ? `block/${op}` : `block/${op}_${index}`);
  writeString(writer, 4, op);
  return writer.finish();
}

function weightBytes({ name, shape, location, offset, length }: FixtureWeight): Uint8Array {
  const writer = new BinaryWriter();
  for (const dim of shape) writeInteger(writer, 1, dim);
  writeInteger(writer, 2, dtypeFacts.float32.onnx);
  writeString(writer, 8, name);
  for (const [key, entry] of Object.entries({ location, offset: `${offset}`, length: `${length}` })) {
    const pair = new BinaryWriter();
    writeString(pair, 1, key);
    writeString(pair, 2, entry);
    writeMessage(writer, 13, pair.finish());
  }
  writeInteger(writer, 14, 1); // EXTERNAL
  return writer.finish();
}

function valueBytes({ name, dtype, shape }: ValueInfo): Uint8Array {
  const dims = new BinaryWriter();
  for (const size of shape) {
    const dim = new BinaryWriter();
    if (typeof size === "number") writeInteger(dim, 1, size);
    else writeString(dim, 2, size);
    writeMessage(dims, 1, dim.finish());
  }
  const tensorType = new BinaryWriter();
  writeInteger(tensorType, 1, dtypeFacts[dtype].onnx);
  writeMessage(tensorType, 2, dims.finish());
  const type = new BinaryWriter();
  writeMessage(type, 1, tensorType.finish());
  const writer = new BinaryWriter();
  writeString(writer, 1, name);
  writeMessage(writer, 2, type.finish());
  return writer.finish();
}

function writeInteger(writer: BinaryWriter, field: number, integer: number): void {
  writer.uint32((field << 3) | 0).int64(integer);
}

function writeString(writer: BinaryWriter, field: number, text: string): void {
  writer.uint32((field << 3) | 2).string(text);
}

function writeMessage(writer: BinaryWriter, field: number, message: Uint8Array): void {
  writer.uint32((field << 3) | 2).bytes(message);
}
