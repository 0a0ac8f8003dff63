import { FusionError } from "../errors/index.ts";
import { formatShape } from "./dims.ts";
import type { Graph } from "./graph.ts";
import type { Node, Value } from "./value.ts";

/**
 * Checks what every ONNX graph must satisfy: each value is defined before it is used, names are unique, outputs exist.
 *
 * Operators check dtypes and shapes when they are built; this catches graphs that were assembled or rewritten wrongly.
 * Throws GRAPH_INVALID naming the node and the shapes of its inputs.
 */
export function verifyGraph(graph: Graph): void {
  const byName = new Map<string, Value>();
  const claim = (value: Value, node?: Node) => {
    const holder = byName.get(value.name);
    if (holder && !(holder === value && value.kind === "constant"))
      fail(graph, node, `a unique name, got "${value.name}" twice`);
    byName.set(value.name, value);
  };
  for (const value of [...graph.inputs, ...graph.parameters]) claim(value);
  const require = (value: Value, node: Node | undefined, what: string) => {
    if (value.kind === "constant") {
      if (!value.data) fail(graph, node, `${what} to hold the data of a constant`);
      claim(value, node);
    } else if (byName.get(value.name) !== value) fail(graph, node, `${what} to be defined by an earlier node`);
  };
  const nodeNames = new Set<string>();
  for (const node of graph.nodes) {
    if (nodeNames.has(node.name)) fail(graph, node, "a unique node name");
    nodeNames.add(node.name);
    for (const input of node.inputs) if (input) require(input, node, `input "${input.name}"`);
    for (const output of node.outputs) claim(output, node);
  }
  if (graph.outputs.size === 0) fail(graph, undefined, "at least one output");
  for (const [name, value] of graph.outputs) {
    require(value, undefined, `output "${name}"`);
    // The name would mean two things in the ONNX file.
    if (byName.has(name) && byName.get(name) !== value)
      fail(graph, undefined, `output "${name}" not to take the name of another value`);
    if (byName.get(name) === value && value.kind !== "computed")
      fail(graph, undefined, `output "${name}" to have another name than the ${value.kind} it is`);
  }
}

function fail(graph: Graph, node: Node | undefined, expected: string): never {
  const inputs = node?.inputs.map((input) => (input ? `${input.name} ${formatShape(input.shape)}` : "-")).join(", ");
  throw new FusionError({
    code: "GRAPH_INVALID",
    at: node ? `${graph.name}: ${node.name}` : graph.name,
    expected,
    actual: node ? `inputs ${inputs || "none"}` : "a graph that breaks this",
    hint: "Print the graph with printGraph() and look at this node.",
  });
}
