import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Backend,
  type Comparison,
  nodeBackend,
  type VerifyReport,
  verifyModel,
} from "../../packages/core/src/index.ts";
import { type GoldenModels, unpackGoldenModels } from "./golden-models.ts";

let golden: GoldenModels;
let backend: Backend;

beforeAll(async () => {
  golden = await unpackGoldenModels();
  backend = await nodeBackend({ worker: false, device: "cpu" });
});

afterAll(() => golden?.remove());

async function verify(folder: "phi" | "llama"): Promise<VerifyReport> {
  return verifyModel({ model: golden[folder], reference: golden[folder], backend });
}

/** `paper_generate/multi.step_logits` → `paper_generate` */
const groupOf = ({ name }: Comparison) => name.slice(0, name.indexOf("/"));

function countByGroup(rows: readonly Comparison[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const row of rows) counts[groupOf(row)] = (counts[groupOf(row)] ?? 0) + 1;
  return counts;
}

describe.each([
  {
    model: "phi" as const,
    tower: "SigLIP2",
    // one row for each recorded tensor that is not a row list, 4 losses and S; 12 for each of 4 decodings
    counts: {
      released: 69,
      paper: 49,
      released_q4: 29,
      released_q64: 29,
      released_trunc: 29,
      released_generate: 48,
      paper_generate: 48,
    },
  },
  {
    model: "llama" as const,
    tower: "SigLIP",
    counts: { released: 57, paper: 41, released_q64: 26, released_generate: 48, paper_generate: 48 },
  },
])("$model with $tower", ({ model, counts }) => {
  let report: VerifyReport;
  beforeAll(async () => {
    report = await verify(model);
  }, 300_000);

  it("compares every recorded tensor of every variant", () => {
    expect(countByGroup(report.rows)).toEqual(counts);
    expect(report.unusedFiles).toEqual([]);
  });

  it("equals the reference within 1e-4 of each tensor's largest value", () => {
    expect(report.rows.filter(({ relativeError }) => !(relativeError <= 1e-4))).toEqual([]);
    expect(report.passed).toBe(true);
  });

  it("stays as close as float32 allows", () => {
    expect(Math.max(...report.rows.map(({ relativeError }) => relativeError))).toBeLessThan(5e-6);
  });

  it.each(["released_generate", "paper_generate"])("decodes the reference's tokens in every case of %s", (file) => {
    const tokens = report.rows.filter(({ name }) => name.startsWith(`${file}/`) && name.endsWith(".tokens"));

    const decoded = tokens.map(({ name, shape, maxError }) => ({ name, count: shape[0], maxError }));
    expect(decoded).toEqual(
      ["single", "multi", "multi_labels", "textonly"].map((key) => ({
        name: `${file}/${key}.tokens`,
        count: 12,
        maxError: 0,
      })),
    );
  });

  it("accepts no difference in positions, tokens and masks", () => {
    const exact = report.rows.filter(({ tolerance }) => tolerance === 0);

    expect(exact.length).toBeGreaterThan(20);
    expect(exact.filter(({ maxError }) => maxError !== 0)).toEqual([]);
  });

  it("leaves out padding rows only", () => {
    const partly = report.rows.filter(({ shape, elements }) => elements !== shape.reduce((a, b) => a * b, 1));

    expect(partly.length).toBeGreaterThan(0);
    for (const { name, elements } of partly) {
      expect(name).toMatch(
        /\/llm\.(layer\d+\.(pre|post|sampler\.(queries|image_tokens|out))|final_norm|logits|inputs_embeds_rows)$/,
      );
      expect(elements).toBeGreaterThan(0);
    }
  });
});
