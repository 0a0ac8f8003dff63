import { type Graph, type Node, prune, type Value } from "../graph/index.ts";
import type { OpBuilder } from "../ops/index.ts";
import { barrier, zeroAfter } from "./barrier.ts";
import { isFloat } from "./gradient-error.ts";

/** A stretch of the forward pass that keeps nothing but where it starts. */
export interface Segment {
  /** Nodes written after the one that computes this, up to that of `output`, are the segment. */
  readonly input: Value;
  readonly output: Value;
  /** d loss / d output */
  readonly gradient: Value;
}

/**
 * Gradient checkpointing (Chen et al. 2016, arXiv 1604.06174): the graph of the builder, in which the backward pass computes
 * what it needs of a segment again instead of keeping it.
 *
 * The copies read the segment's input through a {@link barrier} that waits for the gradient of the segment's output, and for
 * all that the backward pass makes of what comes after the segment. So an engine neither merges copies with their originals nor
 * runs them early, and is done with one segment before it begins the next. What other parts of the forward pass read of a
 * segment is kept.
 *
 * @param forward - the nodes of the forward pass; all others are the backward pass
 * @param segments - that do not overlap
 */
export function recompute(op: OpBuilder, forward: ReadonlySet<Node>, segments: readonly Segment[]): Graph {
  const graph = prune(op.build());
  const rewrite = new Rewrite(op, graph, forward);
  let done = 0;
  for (const segment of segments.toSorted((a, b) => rewrite.place(a.gradient) - rewrite.place(b.gradient))) {
    const ready = rewrite.place(segment.gradient) + 1;
    rewrite.recompute(segment, graph.nodes.slice(done, ready), ready);
    done = ready;
  }
  return rewrite.finish();
}

/** A graph, and the copies that are to stand in it. */
class Rewrite {
  readonly #places = new Map<Value, number>();
  readonly #readers = new Map<Value, Node[]>();
  readonly #outputs: ReadonlySet<Value>;
  /** Copies by the place of the node that they stand before. */
  readonly #inserted = new Map<number, readonly Node[]>();
  /** What backward nodes read instead. */
  readonly #copies = new Map<Node, ReadonlyMap<Value, Value>[]>();

  constructor(
    private readonly op: OpBuilder,
    private readonly graph: Graph,
    private readonly forward: ReadonlySet<Node>,
  ) {
    this.#outputs = new Set(graph.outputs.values());
    graph.nodes.forEach((node, place) => {
      for (const output of node.outputs) this.#places.set(output, place);
      for (const input of node.inputs) {
        if (input) this.#readers.set(input, [...(this.#readers.get(input) ?? []), node]);
      }
    });
  }

  /** Where the node of a value stands; −1 for what no node computes. */
  place(value: Value): number {
    return this.#places.get(value) ?? -1;
  }

  /**
   * @param before - the backward pass since the segment before
   * @param ready - the place where the gradient of the segment's output is known
   */
  recompute(segment: Segment, before: readonly Node[], ready: number): void {
    const { nodes } = this.graph;
    const members = nodes.slice(this.place(segment.input) + 1, this.place(segment.output) + 1);
    const inner = this.#inner(
      segment,
      members.filter((node) => this.forward.has(node)),
    );
    const readers = nodes
      .slice(ready)
      .filter((node) => !this.forward.has(node) && node.inputs.some((input) => inner.has(input)));
    if (readers.length === 0) return;
    const wanted = new Set<Value | undefined>(readers.flatMap(({ inputs }) => inputs));
    const needed: Node[] = [];
    for (const node of members.toReversed()) {
      if (!node.outputs.some((output) => inner.has(output) && wanted.has(output))) continue;
      needed.unshift(node);
      for (const input of node.inputs) wanted.add(input);
    }
    const written = this.op.build().nodes.length;
    const copies = this.op.scope("recompute", () => this.#copy(segment, needed, this.#results(before)));
    const first = nodes.indexOf(readers[0]!);
    this.#inserted.set(first, [...(this.#inserted.get(first) ?? []), ...this.op.build().nodes.slice(written)]);
    for (const reader of readers) this.#copies.set(reader, [...(this.#copies.get(reader) ?? []), copies]);
  }

  /** What can be computed again: floats, and what is made of them, that the forward pass reads inside the segment alone. */
  #inner({ output }: Segment, members: readonly Node[]): ReadonlySet<Value | undefined> {
    const own = new Set(members);
    const inner = new Set<Value | undefined>();
    for (const node of members) {
      for (const value of node.outputs) {
        if (value === output || this.#outputs.has(value)) continue;
        const isDerived = node.inputs.some((input) => inner.has(input));
        // Indices and shapes are small, and a Reshape of what is kept takes no memory of its own.
        if (!isDerived && (!isFloat(value) || node.op === "Reshape")) continue;
        const readers = this.#readers.get(value) ?? [];
        if (readers.every((reader) => own.has(reader) || !this.forward.has(reader))) inner.add(value);
      }
    }
    return inner;
  }

  /** Floats that a stretch of the backward pass leaves for later: gradients on their way, and those of weights. */
  #results(stretch: readonly Node[]): Value[] {
    const own = new Set(stretch);
    return stretch
      .filter((node) => !this.forward.has(node))
      .flatMap(({ outputs }) => outputs)
      .filter((value) => isFloat(value) && !(this.#readers.get(value) ?? []).some((reader) => own.has(reader)));
  }

  #copy({ input, gradient }: Segment, nodes: readonly Node[], results: readonly Value[]): ReadonlyMap<Value, Value> {
    const copies = new Map<Value, Value>();
    const zero = zeroAfter(this.op, [...new Set([gradient, ...results])]);
    const behind = new Map<Value, Value>();
    const delayed = (value: Value): Value => {
      const known = behind.get(value) ?? barrier(this.op, value, zero);
      behind.set(value, known);
      return known;
    };
    for (const node of nodes) {
      const follows = node.inputs.some((value) => value && (value === input || copies.has(value)));
      // What depends on no copy would else be the same as its original.
      const first = follows ? input : node.inputs.find((value) => value && value.kind !== "constant" && isFloat(value));
      const inputs = node.inputs.map(
        (value) => value && (copies.get(value) ?? (value === first ? delayed(value) : value)),
      );
      const outputs = this.op.scope(node.name.replaceAll("/", "."), () => this.op.node({ ...node, inputs }));
      node.outputs.forEach((value, index) => {
        copies.set(value, outputs[index]!);
      });
    }
    return copies;
  }

  finish(): Graph {
    const nodes = this.graph.nodes.flatMap((node, place) => {
      const copies = this.#copies.get(node) ?? [];
      const inputs = node.inputs.map((value) => value && (copies.find((each) => each.has(value))?.get(value) ?? value));
      return [...(this.#inserted.get(place) ?? []), copies.length > 0 ? { ...node, inputs } : node];
    });
    return prune({ ...this.graph, nodes });
  }
}
