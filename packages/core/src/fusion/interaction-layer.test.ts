import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import type { Graph } from "../graph/index.ts";
import { buildGraph } from "../ops/index.ts";
import type { Tensor } from "../tensor/index.ts";
import { interactionLayer } from "./interaction-layer.ts";
import { noise, TinyModel } from "./tiny-model-for-tests.ts";

const [questions, latents, width, area] = [2, 4, 32, 9];

let model: TinyModel;
let graph: Graph;
let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
  model = new TinyModel(backend);
  graph = buildGraph("interaction", (op) => {
    const inputs = {
      questions: op.input("questions", "float32", ["B", "R", width]),
      latents: op.input("latents", "float32", ["B", "R", "Q", width]),
      windows: op.input("windows", "float32", ["B", "Q", area, width]),
    };
    op.output("y", interactionLayer(op, model.config, 1, inputs));
  });
});
afterAll(() => backend.dispose());

const feeds = () => ({
  questions: noise("questions", [1, questions, width]),
  latents: noise("latents", [1, questions, latents, width]),
  windows: noise("windows", [1, latents, area, width]),
});

/** "r.q" of each latent whose result is not bit by bit the same after `change`. */
async function touchedBy(change: (feeds: Record<string, Tensor<"float32">>) => void): Promise<string[]> {
  const before = (await model.run(graph, feeds())).y!.data;
  const changed = feeds();
  change(changed);
  const after = (await model.run(graph, changed)).y!.data;
  const touched = new Set<string>();
  after.forEach((value: number | bigint, i: number) => {
    const latent = Math.floor(i / width);
    if (value !== before[i]) touched.add(`${Math.floor(latent / latents)}.${latent % latents}`);
  });
  return [...touched];
}

describe("a latent token", () => {
  it("sees its own window only, in every question", async () => {
    const touched = await touchedBy(({ windows }) => {
      windows!.data[(1 * area + 5) * width]! += 1; // context 5 of window 1
    });

    expect(touched).toEqual(["0.1", "1.1"]);
  });

  it("sees its own question only", async () => {
    const touched = await touchedBy(({ questions }) => {
      questions!.data[1 * width]! += 1;
    });

    expect(touched).toEqual(["1.0", "1.1", "1.2", "1.3"]);
  });

  it("sees no other latent", async () => {
    const touched = await touchedBy(({ latents: grid }) => {
      grid!.data[(0 * latents + 2) * width]! += 1; // latent 2 of question 0
    });

    expect(touched).toEqual(["0.2"]);
  });

  it("does not mind the order within its window", async () => {
    const swapped = feeds();
    const windows = swapped.windows.data;
    for (let d = 0; d < width; d++) [windows[d], windows[8 * width + d]] = [windows[8 * width + d]!, windows[d]!];

    const before = (await model.run(graph, feeds())).y!.data as Float32Array;
    const after = (await model.run(graph, swapped)).y!.data as Float32Array;

    expect(Math.max(...after.map((value, i) => Math.abs(value - before[i]!)))).toBeLessThan(1e-5);
  });
});
