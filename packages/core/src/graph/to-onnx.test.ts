import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { buildGraph } from "../ops/index.ts";
import { compileGraph } from "../session/index.ts";
import { float32, type Tensor, tensor } from "../tensor/index.ts";
import { runGraph } from "../testing/index.ts";
import { encodeBfloat16, encodeFloat16, openWeights, sourceOf, writeWeights } from "../weights/index-node.ts";
import { toOnnx } from "./to-onnx.ts";

let backend: Backend;
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
});
afterAll(() => backend.dispose());

/** y = x·w for x [B, 2] and w [2, 3]. */
const product = buildGraph("product", (op) => {
  op.output("y", op.MatMul(op.input("x", "float32", ["B", 2]), op.parameter("w", [2, 3])));
});
const x = float32([1, 2], [1, 10]);
const exact = [1, 2, 3, 0.5, -4, 0.25]; // all of them exact in 16 bits
const expected = [1 + 5, 2 - 40, 3 + 2.5];

const stored: Record<string, () => Tensor> = {
  float32: () => float32([2, 3], exact),
  bfloat16: () => tensor("bfloat16", [2, 3], encodeBfloat16(Float32Array.from(exact))),
  float16: () => tensor("float16", [2, 3], encodeFloat16(Float32Array.from(exact))),
};

describe("parameters", () => {
  it.each(Object.keys(stored))("stored as %s inside a safetensors file are used in place", async (dtype) => {
    const folder = await mkdtemp(join(tmpdir(), "to-onnx-"));
    await writeWeights(folder, sourceOf({ before: float32([3], [7, 7, 7]), w: stored[dtype]!() }));
    const weights = await openWeights(folder);

    const program = await compileGraph(backend, product, weights);
    const { y } = await program.run({ x });

    await program.dispose();
    await weights.close();
    await rm(folder, { recursive: true });
    expect(Array.from(y!.data as Float32Array)).toEqual(expected);
  });

  it.each(Object.keys(stored))("stored as %s are written into the file", async (dtype) => {
    const { y } = await runGraph(backend, product, { x }, new Map([["w", stored[dtype]!()]]));

    expect(Array.from(y!.data as Float32Array)).toEqual(expected);
  });

  it("are inputs where nothing says otherwise", async () => {
    const info = (name: string, shape: (string | number)[]) => ({ name, dtype: "float32" as const, shape });
    const program = await backend.compile({
      name: "fed",
      bytes: toOnnx(product),
      inputs: [info("x", ["B", 2]), info("w", [2, 3])],
      outputs: [info("y", ["B", 3])],
    });

    const { y } = await program.run({ x, w: float32([2, 3], exact) });

    await program.dispose();
    expect(Array.from(y!.data as Float32Array)).toEqual(expected);
  });

  it("must have data of the declared shape", () => {
    const parameters = () => ({ kind: "data", tensor: float32([3, 2], exact) }) as const;

    expect(() => toOnnx(product, { parameters })).toThrow("w: expected [2, 3], got [3, 2]");
  });
});

describe("outputs", () => {
  it("may be a value twice, an input, a parameter or a constant", async () => {
    const graph = buildGraph("aliases", (op) => {
      const x = op.input("x", "float32", ["B", 2]);
      const doubled = op.Mul(x, 2);
      op.output("once", doubled);
      op.output("twice", doubled);
      op.output("next", op.Add(doubled, 1)); // its input goes by the name of the output "once"
      op.output("echo", x);
      op.output("weight", op.parameter("w", [2]));
      op.output("constant", op.floats([2], [8, 9]));
    });

    const fetches = await runGraph(backend, graph, { x }, new Map([["w", float32([2], [5, 6])]]));

    const values = Object.entries(fetches).map(([name, { data }]) => [name, Array.from(data as Float32Array)]);
    expect(Object.fromEntries(values)).toEqual({
      once: [2, 20],
      twice: [2, 20],
      next: [3, 21],
      echo: [1, 10],
      weight: [5, 6],
      constant: [8, 9],
    });
  });
});

it("writes the same bytes for the same graph", () => {
  expect(toOnnx(product)).toEqual(toOnnx(product));
});

it("verifies before it writes", () => {
  const empty = { ...product, outputs: new Map() };

  expect(() => toOnnx(empty)).toThrow("product: expected at least one output");
});
