import { formatShape } from "./dims.ts";
import type { Graph } from "./graph.ts";
import type { Attribute, Node, Value } from "./value.ts";

/** The graph as text, one line a node, stable enough to compare: `name: float32[B, S, 64] = MatMul(x, w) {…}`. */
export function printGraph(graph: Graph): string {
  const lines = [`graph ${graph.name}`];
  for (const value of graph.inputs) lines.push(`  input ${describe(value)}`);
  for (const value of graph.parameters) lines.push(`  parameter ${describe(value)}`);
  for (const node of graph.nodes) lines.push(`  ${printNode(node)}`);
  for (const [name, value] of graph.outputs) lines.push(`  output ${name} = ${value.name}`);
  return `${lines.join("\n")}\n`;
}

function printNode(node: Node): string {
  const inputs = node.inputs.map((input) => (input ? reference(input) : "-")).join(", ");
  const attributes = Object.entries(node.attributes).map(([key, attribute]) => `${key}=${format(attribute)}`);
  const suffix = attributes.length ? ` {${attributes.join(", ")}}` : "";
  return `${node.outputs.map(describe).join(", ")} = ${node.domain && `${node.domain}.`}${node.op}(${inputs})${suffix}`;
}

function reference(value: Value): string {
  if (value.kind !== "constant" || !value.data) return value.name;
  const { data, shape, dtype } = value.data;
  return data.length <= 8 ? `${dtype}(${[...data].join(", ")})` : `${value.name}:${dtype}${formatShape(shape)}`;
}

function describe(value: Value): string {
  return `${value.name}: ${value.dtype}${formatShape(value.shape)}`;
}

function format(attribute: Attribute): string {
  return Array.isArray(attribute.value) ? `[${attribute.value.join(", ")}]` : String(attribute.value);
}
