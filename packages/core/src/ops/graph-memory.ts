import type { Dim, Graph, Node, Value } from "../graph/index.ts";
import { dtypeFacts } from "../tensor/index.ts";
import { evaluateDim, type Sizes } from "./graph-cost.ts";

/** What one run of a graph holds in memory at given sizes, in bytes. */
export interface GraphMemory {
  /** Most bytes that results of nodes take at one time, outputs included. */
  readonly peak: number;
  /** The node that runs then; empty for a graph without nodes. */
  readonly at: string;
  /** All inputs and parameters, which are there before the run. */
  readonly inputs: number;
  readonly outputs: number;
}

/** ONNX Runtime hands memory out in pieces of this many bytes. */
const grain = 256;

/** Operators whose result is their first input under another shape: it shares its memory. */
const views: ReadonlySet<string> = new Set(["Reshape", "Squeeze", "Unsqueeze", "Identity"]);

/**
 * Follows a run of ONNX Runtime: a result takes memory when its node runs and gives it back after its last reader.
 *
 * This is the engine without a memory plan (`planMemory: false`) on a graph with named sizes: it knows of hardly two results that
 * they are equally large, so none is written over another. Its fusions change little: they drop small intermediates.
 */
export function graphMemory(graph: Graph, sizes: Sizes): GraphMemory {
  const bytesOf = byteCounter(sizes);
  const order = executionOrder(graph);
  const ownerOf = memoryOwners(order);
  const readers = new Map<Value, number>();
  for (const { inputs } of order) for (const value of inputs) if (value) count(readers, ownerOf(value), 1);
  for (const output of graph.outputs.values()) count(readers, ownerOf(output), 1);

  let [live, peak, at] = [0, 0, ""];
  for (const { name, op, inputs, outputs } of order) {
    const own = views.has(op) ? [] : outputs;
    for (const value of own) live += bytesOf(value);
    if (live > peak) [peak, at] = [live, name];
    for (const value of inputs) {
      const owner = value && ownerOf(value);
      if (owner?.kind === "computed" && count(readers, owner, -1) === 0) live -= bytesOf(owner);
    }
    for (const value of own) if (!readers.has(value)) live -= bytesOf(value);
  }
  const total = (values: Iterable<Value>) => [...values].reduce((sum, value) => sum + bytesOf(value), 0);
  return { peak, at, inputs: total([...graph.inputs, ...graph.parameters]), outputs: total(graph.outputs.values()) };
}

/**
 * The nodes in the order that ONNX Runtime runs them in, which is not that of the file.
 *
 * It goes back from the results that nobody reads, the last one first, and on from each node to its latest input first
 * (`Graph::ReverseDFSFrom` with `NodeCompare`). So what only an output waits for, such as the gradient of a weight, runs late.
 */
export function executionOrder({ nodes }: Graph): Node[] {
  const makers = new Map<Value, number>();
  for (const [index, node] of nodes.entries()) for (const output of node.outputs) makers.set(output, index);
  const sources = nodes.map(({ inputs }) => {
    const indices = inputs.flatMap((value) => (value && makers.has(value) ? [makers.get(value)!] : []));
    return [...new Set(indices)].toSorted((a, b) => a - b);
  });
  const isRead = new Set(sources.flat());
  const stack = [...nodes.keys()].filter((index) => !isRead.has(index)).map((index) => ({ index, isDone: false }));
  const seen = new Set<number>();
  const order: Node[] = [];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { index, isDone } = next;
    if (isDone) order.push(nodes[index]!);
    if (isDone || seen.has(index)) continue;
    seen.add(index);
    stack.push({ index, isDone: true });
    for (const source of sources[index]!) if (!seen.has(source)) stack.push({ index: source, isDone: false });
  }
  return order;
}

/** The value that the memory of another one belongs to: itself, or what it is a view of. */
function memoryOwners(order: readonly Node[]): (value: Value) => Value {
  const owners = new Map<Value, Value>();
  const ownerOf = (value: Value) => owners.get(value) ?? value;
  for (const { op, inputs, outputs } of order) if (views.has(op)) owners.set(outputs[0]!, ownerOf(inputs[0]!));
  return ownerOf;
}

/** Counts up or down, and returns the new count. */
function count(counts: Map<Value, number>, value: Value, by: number): number {
  const next = (counts.get(value) ?? 0) + by;
  counts.set(value, next);
  return next;
}

function byteCounter(sizes: Sizes): (value: Value) => number {
  const dims = new Map<Dim, number>();
  const sizeOf = (dim: Dim) => {
    const known = dims.get(dim) ?? evaluateDim(dim, sizes);
    dims.set(dim, known);
    return known;
  };
  return ({ dtype, shape }) => {
    const elements = shape.reduce<number>((product, dim) => product * sizeOf(dim), 1);
    return Math.ceil((elements * dtypeFacts[dtype].bytes) / grain) * grain;
  };
}
