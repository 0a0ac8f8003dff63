import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { type Graph, type Node, prune, type Value } from "../graph/index.ts";
import { graphCost, OpBuilder } from "../ops/index.ts";
import { createNormal, float32, sizeOf, type Tensor } from "../tensor/index.ts";
import { runGraph } from "../testing/index.ts";
import { backwardPass, recompute, type Segment } from "./index.ts";
import { keptElements } from "./kept-elements-for-tests.ts";

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

const [width, layers] = [8, 4];
const sizes = { B: 6 };

interface Built {
  readonly graph: Graph;
  readonly forward: ReadonlySet<Node>;
  readonly weights: readonly Value[];
}

/** Residual layers h + W₂·tanh(W₁·h), a sum over a gate that the first layer made, and the gradients of all weights. */
function network(isRecomputed: boolean, fixed?: Readonly<Record<string, number>>): Built {
  const op = new OpBuilder("network", fixed);
  const states = [op.input("x", "float32", ["B", width])];
  const weights: Value[] = [];
  let gate: Value | undefined;
  for (let layer = 0; layer < layers; layer++) {
    const [first, second] = [0, 1].map((part) => op.input(`w${layer}${part}`, "float32", [width, width])) as [
      Value,
      Value,
    ];
    weights.push(first, second);
    const inner = op.Tanh(op.MatMul(states[layer]!, first));
    gate ??= inner; // read by later layers too
    states.push(op.Add(states[layer]!, op.MatMul(op.Mul(inner, gate), second)));
  }
  const loss = op.ReduceMean(op.Mul(states[layers]!, states[layers]!), [0, 1], false);
  const forward = new Set(op.build().nodes);
  const found = backwardPass(op, loss, weights);
  op.output("loss", loss);
  weights.forEach((weight) => {
    op.output(`d${weight.name}`, found.get(weight)!);
  });
  const segments = states
    .slice(1)
    .map((output, layer): Segment => ({ input: states[layer]!, output, gradient: found.get(output)! }));
  return { graph: isRecomputed ? recompute(op, forward, segments) : prune(op.build()), forward, weights };
}

function feeds({ weights }: Built, scale = 1): Record<string, Tensor> {
  const noise = (name: string, shape: readonly number[]) => {
    const next = createNormal(1, name);
    return float32(
      shape,
      Array.from({ length: sizeOf(shape) }, () => scale * next()),
    );
  };
  return {
    x: noise("x", [sizes.B, width]),
    ...Object.fromEntries(weights.map(({ name }) => [name, noise(name, [width, width])])),
  };
}

/** Everything that a value is made of. */
function ancestors(graph: Graph, value: Value): Set<Value> {
  const found = new Set<Value>([value]);
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => found.has(output))) continue;
    for (const input of node.inputs) if (input) found.add(input);
  }
  return found;
}

describe("recompute", () => {
  it.each([
    ["named", undefined],
    ["fixed", sizes],
  ])("gives the same bits, with %s sizes", async (_which, fixed) => {
    const [plain, recomputed] = [network(false, fixed), network(true, fixed)];

    const expected = await runGraph(backend, plain.graph, feeds(plain));

    expect(await runGraph(backend, recomputed.graph, feeds(recomputed))).toEqual(expected);
  });

  it("keeps where segments start, and what layers share, and computes the rest a second time", () => {
    const [plain, recomputed] = [network(false), network(true)];
    const kept = ({ graph, forward }: Built) =>
      keptElements(graph, (node) => forward.has(node), sizes) / (sizes.B * width);

    // Without: tanh and its product with the gate of each layer, h_1 … h_4.
    expect(kept(plain)).toBe(2 * layers + layers);
    // With: the gate, h_1 … h_4 (h_0 is an input).
    expect(kept(recomputed)).toBe(1 + layers);
    // The second product of a layer is not needed to go back through it; the first layer's tanh is kept.
    const product = 2 * sizes.B * width * width;
    expect(graphCost(recomputed.graph, sizes).flops - graphCost(plain.graph, sizes).flops).toBe((layers - 1) * product);
  });

  it("begins a segment only when all gradients of the segments after it are there", () => {
    const { graph } = network(true);
    const copies = graph.nodes.filter(({ name, op }) => name.startsWith("recompute.") && op === "Tanh");

    expect(copies).toHaveLength(layers - 1);
    copies.forEach((copy, index) => {
      const waitedFor = ancestors(graph, copy.outputs[0]!);
      const layer = layers - 1 - index;
      for (let later = layer + 1; later < layers; later++) {
        for (const part of [0, 1])
          expect(waitedFor.has(graph.outputs.get(`dw${later}${part}`)!), `w${later}${part}`).toBe(true);
      }
      expect(waitedFor.has(graph.outputs.get(`dw${layer}0`)!)).toBe(false);
    });
  });

  it("lets numbers pass that are none", async () => {
    const given = network(true);
    const { loss, dw00 } = await runGraph(backend, given.graph, feeds(given, Number.NaN));

    expect(Number.isNaN(loss!.data[0])).toBe(true);
    expect([...dw00!.data].every(Number.isNaN)).toBe(true);
  });

  it("leaves a graph without segments as it is", () => {
    const op = new OpBuilder("g");
    const x = op.input("x", "float32", ["B"]);
    const loss = op.ReduceSum(op.Mul(x, x), [0], false);
    const forward = new Set(op.build().nodes);
    op.output("d", backwardPass(op, loss, [x]).get(x)!);

    expect(recompute(op, forward, [])).toEqual(prune(op.build()));
  });
});
