import { FusionError } from "../errors/index.ts";
import type { Node, Value } from "./value.ts";

/**
 * A finished graph: nodes in topological order.
 *
 * `marks` are intermediate values with a public name; they cost nothing until {@link withOutputs} asks for them.
 */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly parameters: readonly Value[];
  readonly nodes: readonly Node[];
  readonly outputs: ReadonlyMap<string, Value>;
  readonly marks: ReadonlyMap<string, Value>;
}

/**
 * The same graph with other outputs, chosen among its outputs and marks, and without the nodes that these do not need.
 *
 * @throws GRAPH_INVALID for a name that is neither
 */
export function withOutputs(graph: Graph, names: readonly string[]): Graph {
  const outputs = new Map<string, Value>();
  for (const name of names)
    outputs.set(name, graph.outputs.get(name) ?? graph.marks.get(name) ?? unknownName(graph, name));
  return prune({ ...graph, outputs });
}

function unknownName(graph: Graph, name: string): never {
  throw new FusionError({
    code: "GRAPH_INVALID",
    at: graph.name,
    expected: `an output or mark "${name}"`,
    actual: `${[...graph.outputs.keys(), ...graph.marks.keys()].join(", ") || "none"}`,
    hint: "Ask for one of these names, or mark the value with op.mark() while the graph is built.",
  });
}

/** Drops nodes, parameters and marks that no output depends on; inputs stay, they are the graph's signature. */
export function prune(graph: Graph): Graph {
  const needed = new Set<Value>(graph.outputs.values());
  const nodes: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((value) => needed.has(value))) continue;
    nodes.push(node);
    for (const input of node.inputs) if (input) needed.add(input);
  }
  return {
    ...graph,
    nodes: nodes.reverse(),
    parameters: graph.parameters.filter((value) => needed.has(value)),
    marks: new Map([...graph.marks].filter(([, value]) => needed.has(value))),
  };
}
