import { FusionError } from "../errors/index.ts";
import { type Graph, prune } from "./graph.ts";
import type { Node, Value } from "./value.ts";

/** A stretch of a graph: what it computes one named value from. */
export interface GraphSegment {
  /** Its only output is {@link target}; inputs are those of the whole graph, and targets of earlier segments, by their names. */
  readonly graph: Graph;
  readonly target: string;
}

/**
 * A graph as segments that run one after the other: each computes one of `targets` from inputs and earlier targets.
 *
 * So a model runs with the parameters of one layer in memory. What several segments need besides (masks, rotary tables) each of
 * them computes anew.
 *
 * @param targets - names of outputs or marks
 * @throws GRAPH_INVALID for a name that is neither
 */
export function segments(graph: Graph, targets: readonly string[]): GraphSegment[] {
  const place = new Map(graph.nodes.flatMap((node, index) => node.outputs.map((value) => [value, index] as const)));
  const named = targets
    .map((name) => [name, namedValue(graph, name)] as const)
    .toSorted(([, a], [, b]) => (place.get(a) ?? -1) - (place.get(b) ?? -1));
  const cuts = new Map<Value, Value>();
  for (const [name, value] of named) {
    // The same value under two names is computed once.
    if (value.kind === "computed" && !cuts.has(value)) {
      cuts.set(value, { kind: "input", name: cutName(name), dtype: value.dtype, shape: value.shape });
    }
  }
  return named.map(([target, value]) => ({ target, graph: segment(graph, target, value, cuts) }));
}

/** The input under which a segment takes an earlier target. */
export function cutName(target: string): string {
  return `cut:${target}`;
}

function segment(graph: Graph, target: string, value: Value, cuts: ReadonlyMap<Value, Value>): Graph {
  const used = new Set<Value>();
  const replace = (input: Value | undefined): Value | undefined => {
    const cut = input && input !== value ? cuts.get(input) : undefined;
    return cut ?? input;
  };
  const nodes = graph.nodes.map((node): Node => ({ ...node, inputs: node.inputs.map(replace) }));
  const pruned = prune({
    ...graph,
    name: `${graph.name}/${target}`,
    nodes,
    outputs: new Map([[target, value]]),
    marks: new Map(),
  });
  for (const node of pruned.nodes) for (const input of node.inputs) if (input) used.add(input);
  used.add(value);
  return { ...pruned, inputs: [...graph.inputs, ...cuts.values()].filter((input) => used.has(input)) };
}

function namedValue(graph: Graph, name: string): Value {
  const value = graph.outputs.get(name) ?? graph.marks.get(name);
  if (value) return value;
  throw new FusionError({
    code: "GRAPH_INVALID",
    at: graph.name,
    expected: `an output or mark "${name}"`,
    actual: "none of this name",
    hint: "Mark the value with op.mark() while the graph is built.",
  });
}
