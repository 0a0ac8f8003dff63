import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend } from "../backends/index-node.ts";
import { buildGraph } from "../ops/index.ts";
import { float32, int64, type Tensor, toFloat32 } from "../tensor/index.ts";
import { maxRelativeError, runGraph } from "../testing/index.ts";
import { openSafetensors, type SafetensorsFile } from "../weights/index-node.ts";
import { applyRope, type RopeScaling, type RopeTable, ropeTable, ropeValues } from "./rope.ts";

/** Tables of transformers 4.48: Phi3's longrope with 64 original positions, Llama 3.1's llama3 scaling. */
const folder = fileURLToPath(new URL("../../../../test/golden/rope", import.meta.url));

interface RopeJson {
  head_dim: number;
  rope_theta: number;
  original_max_position_embeddings?: number;
  max_position_embeddings?: number;
  attention_scaling: number;
  rope_scaling: {
    short_factor?: number[];
    long_factor?: number[];
    factor?: number;
    low_freq_factor?: number;
    high_freq_factor?: number;
    original_max_position_embeddings?: number;
  };
}

let backend: Backend;
let recorded: SafetensorsFile;
let settings: { phi_longrope: RopeJson; llama3: RopeJson };
beforeAll(async () => {
  backend = await nodeBackend({ worker: false, device: "cpu" });
  recorded = await openSafetensors(`${folder}/rope.safetensors`);
  settings = JSON.parse(await readFile(`${folder}/rope.json`, "utf8"));
});
afterAll(async () => {
  await recorded.close();
  await backend.dispose();
});

function longrope(): RopeTable {
  const { phi_longrope: phi } = settings;
  const scaling: RopeScaling = {
    type: "longrope",
    shortFactor: phi.rope_scaling.short_factor!,
    longFactor: phi.rope_scaling.long_factor!,
    originalMaxPositionEmbeddings: phi.original_max_position_embeddings!,
    maxPositionEmbeddings: phi.max_position_embeddings!,
  };
  return ropeTable(phi.head_dim, phi.rope_theta, scaling);
}

function llama3(): RopeTable {
  const { llama3: llama } = settings;
  const scaling: RopeScaling = {
    type: "llama3",
    factor: llama.rope_scaling.factor!,
    lowFreqFactor: llama.rope_scaling.low_freq_factor!,
    highFreqFactor: llama.rope_scaling.high_freq_factor!,
    originalMaxPositionEmbeddings: llama.rope_scaling.original_max_position_embeddings!,
  };
  return ropeTable(llama.head_dim, llama.rope_theta, scaling);
}

async function valuesAt(table: RopeTable, positions: Tensor): Promise<Record<string, Tensor>> {
  const graph = buildGraph("rope", (op) => {
    const { cos, sin } = ropeValues(op, table, op.input("positions", "int64", ["B", "S"]));
    op.output("cos", cos);
    op.output("sin", sin);
  });
  return runGraph(backend, graph, { positions: { ...positions, shape: [1, positions.shape[0]!] } as Tensor });
}

/** The reference repeats the H/2 columns for the second half of a head. */
function firstHalf({ shape, data }: Tensor): Tensor {
  const [rows, width] = shape as [number, number];
  const numbers = data as Float32Array;
  const kept = Array.from({ length: rows }, (_, row) => [...numbers.slice(row * width, row * width + width / 2)]);
  return float32([1, rows, width / 2], kept.flat());
}

const cases: readonly [string, string, () => RopeTable, keyof Pick<RopeTable, "short" | "long">][] = [
  ["longrope up to its original length", "phi_longrope.short", longrope, "short"],
  ["longrope past its original length", "phi_longrope.long", longrope, "long"],
  ["llama3", "llama3", llama3, "short"],
];

describe("recorded tables", () => {
  it.each(cases)("%s: frequencies, cos and sin within 1e-6", async (_case, name, table, regime) => {
    const frequencies = await recorded.read(`${name}.inv_freq`);
    const fetched = await valuesAt(table(), await recorded.read(`${name}.positions`));

    expect(maxRelativeError(float32(frequencies.shape, table()[regime]!), frequencies)).toBeLessThan(1e-6);
    for (const part of ["cos", "sin"] as const) {
      const expected = firstHalf(await recorded.read(`${name}.${part}`));
      const actual = fetched[part]!;
      const differences = toFloat32(actual).map((value, i) => Math.abs(value - toFloat32(expected)[i]!));
      expect(actual.shape).toEqual(expected.shape);
      expect(Math.max(...differences)).toBeLessThan(1e-6);
    }
  });

  it("has longrope's scale of cos and sin", () => {
    const { phi_longrope: phi } = settings;

    expect(longrope().attentionScaling).toBeCloseTo(phi.attention_scaling, 12);
    expect(llama3().attentionScaling).toBe(1);
  });
});

describe("longrope's switch", () => {
  it("comes with the first position that is not below the original length, for every row of the sample", async () => {
    const table = longrope();
    const cosine = async (positions: number[]) => (await valuesAt(table, int64([positions.length], positions))).cos!;

    const below = await cosine([5, 63]);
    const past = await cosine([5, 64]);

    const atFive = (frequencies: Float32Array) =>
      Array.from(frequencies, (frequency) => Math.cos(5 * frequency) * table.attentionScaling);
    const closest = (tensor: Tensor, numbers: number[]) =>
      Math.max(...numbers.map((value, i) => Math.abs(value - toFloat32(tensor)[i]!)));
    expect(closest(below, atFive(table.short))).toBeLessThan(1e-6);
    expect(closest(past, atFive(table.long!))).toBeLessThan(1e-6);
  });

  it("leaves cos and sin as they are where the model is not stretched", () => {
    const scaling: RopeScaling = {
      type: "longrope",
      shortFactor: [1, 1],
      longFactor: [2, 2],
      originalMaxPositionEmbeddings: 64,
      maxPositionEmbeddings: 64,
    };

    expect(ropeTable(4, 10000, scaling).attentionScaling).toBe(1);
  });
});

describe("applyRope", () => {
  it("turns the pairs (x_i, x_{i+H/2}) by position × frequency", async () => {
    const table: RopeTable = { short: Float32Array.of(1, 0.5), attentionScaling: 1 };
    const graph = buildGraph("apply", (op) => {
      const x = op.input("x", "float32", ["B", "S", 1, 4]);
      op.output("y", applyRope(op, x, ropeValues(op, table, op.input("positions", "int64", ["B", "S"]))));
    });

    const { y } = await runGraph(backend, graph, {
      x: float32([1, 2, 1, 4], [1, 2, 3, 4, 1, 2, 3, 4]),
      positions: int64([1, 2], [0, 2]),
    });

    const [c1, s1, c2, s2] = [Math.cos(2), Math.sin(2), Math.cos(1), Math.sin(1)];
    const turned = [c1 - 3 * s1, 2 * c2 - 4 * s2, 3 * c1 + s1, 4 * c2 + 2 * s2];
    expect(maxRelativeError(y!, float32([1, 2, 1, 4], [1, 2, 3, 4, ...turned]))).toBeLessThan(1e-6);
  });
});
