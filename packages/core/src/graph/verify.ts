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
  const defined = new Set<Value>([...graph.inputs, ...graph.parameters]);
  const names = new Set<string>();
  const claim = (value: Value, node?: Node) => {
    if (names.has(value.name)) fail(graph, node, `a unique name, got "${value.name}" twice`);
    names.add(value.name);
  };
  for (const value of defined) claim(value);
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      if (!input || input.kind === "constant" || defined.has(input)) continue;
      fail(graph, node, `input "${input.name}" to be defined by an earlier node`);
    }
    for (const output of node.outputs) {
      claim(output, node);
      defined.add(output);
    }
  }
  if (graph.outputs.size === 0) fail(graph, undefined, "at least one output");
  for (const [name, value] of graph.outputs) {
    if (value.kind !== "constant" && !defined.has(value)) fail(graph, undefined, `output "${name}" to be computed`);
  }
}

function fail(graph: Graph, node: Node | undefined, expected: string): never {
  const inputs = node?.inputs.map((input) => (input ? `${input.name} ${formatShape(input.shape)}` : "-")).join(", ");
  throw new FusionError({
    code: "GRAPH_INVALID",
    at: node ? `${graph.name}: ${node.name}` : graph.name,
    expected,
    actual: inputs === undefined ? "a graph without it" : `inputs ${inputs}`,
    hint: "Print the graph with printGraph() and look at this node.",
  });
}
