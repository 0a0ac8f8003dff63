import type { Graph, Node } from "../graph/index.ts";
import { evaluateDim, type Sizes } from "../ops/index.ts";

/** Elements of floats that forward nodes compute and others read: what lies in memory from one pass to the other. */
export function keptElements(graph: Graph, isForward: (node: Node) => boolean, sizes: Sizes): number {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((value) => [value, node] as const)));
  const kept = new Set(
    graph.nodes
      .filter((node) => !isForward(node))
      .flatMap(({ inputs }) => inputs)
      .flatMap((value) => {
        let source = value;
        // A Reshape shares the memory of what it reshapes.
        for (
          let node = source && producers.get(source);
          node?.op === "Reshape";
          node = source && producers.get(source)
        ) {
          source = node.inputs[0];
        }
        const node = source && producers.get(source);
        return source && node && isForward(node) && source.dtype.includes("float") ? [source] : [];
      }),
  );
  return [...kept].reduce(
    (sum, { shape }) => sum + shape.reduce<number>((size, dim) => size * evaluateDim(dim, sizes), 1),
    0,
  );
}
