import { describe, expect, it } from "vitest";
import { float32, type Tensor } from "../tensor/index.ts";
import { completeRows, lossRows, normsRow, requireParameters, stridedRows } from "./gradient-table.ts";

const tolerance = 1e-4;
const keyBias = "model.vision_tower.vision_tower.vision_model.encoder.layers.0.self_attn.k_proj.bias";
const normBias = "model.vision_sampler_layers.0.layers.0.cross_attn.k_proj.0.bias";

const tensors = <T extends Tensor>(entries: Record<string, T>) => new Map(Object.entries(entries));
const count = (length: number) => Float32Array.from({ length }, (_, i) => i + 1);
const byName = (rows: ReturnType<typeof stridedRows>) => new Map(rows.map((row) => [row.name, row]));

describe("stridedRows", () => {
  it("compares all of a small gradient, and every seventh element of a large one", () => {
    const own = tensors({ small: float32([16, 16], count(256)), large: float32([257], count(257)) });
    const seventh = count(257).filter((_, i) => i % 7 === 0);
    const rows = byName(
      stridedRows("v_grads", tensors({ small: own.get("small")!, large: float32([37], seventh) }), own, tolerance),
    );

    expect(rows.get("v_grads/small")).toMatchObject({ elements: 256, passed: true });
    expect(rows.get("v_grads/large")).toMatchObject({ elements: 37, maxError: 0, passed: true });
  });

  it("notices one element past the tolerance", () => {
    const [own, recorded] = [float32([3], [1, 2, 4]), float32([3], [1, 2, 4.001])];
    const [, row] = stridedRows("v_grads", tensors({ a: recorded }), tensors({ a: own }), tolerance);

    expect(row).toMatchObject({ name: "v_grads/a", passed: false });
    expect(row!.relativeError).toBeCloseTo(0.00025, 5);
  });

  it.each([keyBias, normBias])("holds %s against zero, whatever rounding was recorded", (name) => {
    const recorded = tensors({ [name]: float32([2], [3e-9, -2e-9]) });
    const row = (value: number) =>
      stridedRows("v", recorded, tensors({ [name]: float32([2], [0, value]) }), tolerance)[1];

    expect(row(9e-7)).toMatchObject({ isAbsolute: true, tolerance: 1e-6, passed: true });
    expect(row(-1.1e-6)).toMatchObject({ passed: false });
    expect(row(Number.NaN)).toMatchObject({ passed: false });
  });

  it.each([
    "model.layers.0.self_attn.k_proj.bias",
    keyBias.replace("k_proj", "q_proj"),
    normBias.replace("bias", "weight"),
  ])("does not hold %s against zero", (name) => {
    const gradients = tensors({ [name]: float32([1], [2]) });

    expect(stridedRows("v", gradients, gradients, tolerance)[1]!.isAbsolute).toBeUndefined();
  });

  it("fails for a gradient of ours where none was recorded", () => {
    const own = tensors({ a: float32([1], [1]), b: float32([1], [1e-12]) });
    const rows = byName(stridedRows("v", tensors({ a: float32([1], [1]) }), own, tolerance));

    expect(rows.get("v/b")).toMatchObject({ isAbsolute: true, tolerance: 0, passed: false });
    expect(rows.get("v/parameters")).toMatchObject({ tolerance: 0, passed: false });
  });
});

describe("the other rows", () => {
  it("compare whole tensors in their shape", () => {
    const own = tensors({ a: float32([2, 2], [1, 2, 3, 4]), b: float32([1], [1]) });
    const compareWith = (recorded: Tensor) => completeRows("v_adamw", tensors({ a: recorded }), own, tolerance);

    expect(compareWith(float32([2, 2], [1, 2, 3, 4]))).toMatchObject([{ name: "v_adamw/a", passed: true }]);
    expect(() => compareWith(float32([4], [1, 2, 3, 4]))).toThrow("v_adamw/a: expected shape [2, 2], got [4]");
  });

  it("compare norms each with its own, and skip those that are rounding", () => {
    const own = tensors({ a: float32([2], [3, 4]), b: float32([1], [1e-3]), [keyBias]: float32([1], [1e-9]) });
    const row = (b: number) => normsRow("v_grads", { a: 5, b, [keyBias]: 3e-9, gone: null }, own, tolerance);

    expect(row(1e-3)).toMatchObject({ name: "v_grads/norms", elements: 2, passed: true });
    expect(row(1.001e-3)).toMatchObject({ passed: false });
  });

  it("compare the four losses", () => {
    const recorded = { total: 4, ce: 3, cos_instruct: 2, cos_vision: 1 };
    const own = { loss: 4, answer: 3, visionToText: 2, textToVision: 1.1 };

    expect(lossRows("v/losses", recorded, own, tolerance).map(({ name, passed }) => [name, passed])).toEqual([
      ["v/losses.total", true],
      ["v/losses.ce", true],
      ["v/losses.cos_instruct", true],
      ["v/losses.cos_vision", false],
    ]);
  });

  it("exist for parameters of this model only", () => {
    const recorded = tensors({ "model.layers.9.weight": float32([1], [1]) });

    expect(() => requireParameters(recorded, new Map([["a", []]]), "v_grads_strided.safetensors")).toThrow(
      "v_grads_strided.safetensors/model.layers.9.weight: expected a tensor that this model has",
    );
  });
});
