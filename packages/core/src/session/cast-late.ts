import { type Graph, type Node, prune, type Value } from "../graph/index.ts";
import { type Dtype, dtypeFacts } from "../tensor/index.ts";

/**
 * The graph with tables looked up in the element type that they are stored in: the rows are converted, not the table.
 *
 * A conversion in front of the lookup would be made once, while the graph is compiled, and kept: gigabytes for an embedding
 * table in bfloat16, once per graph.
 *
 * @param dtypeOf - the element type that a parameter is stored in
 */
export function castLate(graph: Graph, dtypeOf: (parameter: string) => Dtype): Graph {
  const tables = new Map<Value, Value>();
  const table = (value: Value, dtype: Dtype): Value => {
    const known = tables.get(value) ?? { ...value, dtype };
    tables.set(value, known);
    return known;
  };
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const [data, indices] = node.inputs;
    if (node.op !== "Gather" || node.domain !== "" || data?.kind !== "parameter") return [node];
    const dtype = dtypeOf(data.name);
    if (dtype === data.dtype) return [node];
    const rows: Value = { ...node.outputs[0]!, name: `${node.outputs[0]!.name}@${dtype}`, dtype };
    const to = { type: "int", value: dtypeFacts[data.dtype].onnx } as const;
    return [
      { ...node, inputs: [table(data, dtype), indices], outputs: [rows] },
      { name: `${node.name}/Cast`, op: "Cast", domain: "", inputs: [rows], outputs: node.outputs, attributes: { to } },
    ];
  });
  return prune({ ...graph, nodes, parameters: [...graph.parameters, ...tables.values()] });
}
