import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Backend, nodeBackend, type VerifyReport, verifyModel } from "../../packages/core/src/index.ts";
import { type GoldenModels, unpackGoldenModels } from "./golden-models.ts";

let golden: GoldenModels;
let backend: Backend;

beforeAll(async () => {
  golden = await unpackGoldenModels({ withGradients: true });
  backend = await nodeBackend({ worker: false, device: "cpu" });
});

afterAll(async () => {
  await backend?.dispose();
  await golden?.remove();
});

describe.each([
  {
    model: "phi" as const,
    // One row for each parameter, its losses, the number of parameters, all norms; 4 losses at each of 4 points, 6 parameters.
    counts: { released_grads: 728, released_grads_full: 26, released_adamw: 22, paper_grads: 728, paper_adamw: 16 },
    zeroGradients: 2 * (39 + 3),
  },
  {
    model: "llama" as const,
    counts: { released_grads: 522, released_adamw: 16 },
    zeroGradients: 26 + 2,
  },
])("the gradients of $model", ({ model, counts, zeroGradients }) => {
  let report: VerifyReport;
  beforeAll(async () => {
    report = await verifyModel({ model: golden[model], reference: golden[model], backend, gradients: "only" });
  }, 600_000);

  it("are compared with every recorded one, as are losses and parameters of AdamW's steps", () => {
    const compared: Record<string, number> = {};
    for (const { name } of report.rows) {
      const group = name.slice(0, name.indexOf("/"));
      compared[group] = (compared[group] ?? 0) + 1;
    }

    expect(compared).toEqual(counts);
    expect(report.unusedFiles).toEqual([]);
  });

  it("equal the reference within 1e-4 of each tensor's largest value", () => {
    expect(report.rows.filter(({ isAbsolute, relativeError }) => !isAbsolute && !(relativeError <= 1e-4))).toEqual([]);
    expect(report.passed).toBe(true);
  });

  it("are at most 1e-6 where mathematics says zero", () => {
    const zeros = report.rows.filter(({ isAbsolute }) => isAbsolute);

    expect(zeros).toHaveLength(zeroGradients);
    expect(
      zeros.filter(({ name }) => !/vision_model.*self_attn\.k_proj\.bias|cross_attn\.k_proj\.0\.bias/.test(name)),
    ).toEqual([]);
    expect(zeros.filter(({ maxError }) => !(maxError <= 1e-6))).toEqual([]);
  });
});
