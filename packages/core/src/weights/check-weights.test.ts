import { describe, expect, it } from "vitest";
import { FusionError } from "../errors/index.ts";
import type { Dtype } from "../tensor/index.ts";
import { type CheckWeightsOptions, checkWeights } from "./check-weights.ts";

function errorOf(options: CheckWeightsOptions): FusionError | undefined {
  try {
    checkWeights(options);
    return undefined;
  } catch (error) {
    if (FusionError.isInstance(error)) return error;
    throw error;
  }
}

const shapes = (entries: Record<string, number[]>) => new Map(Object.entries(entries));
const held = (entries: Record<string, number[]>) =>
  new Map(Object.entries(entries).map(([name, shape]) => [name, { shape, dtype: "float32" as Dtype }]));

describe("checkWeights", () => {
  it("accepts weights that fit, in any order", () => {
    expect(
      errorOf({ expected: shapes({ a: [1, 2], b: [] }), actual: held({ b: [], a: [1, 2] }), at: "m" }),
    ).toBeUndefined();
  });

  it("refuses whole numbers under the name of a weight", () => {
    const actual = held({ a: [1], b: [2], c: [3] });
    actual.set("b", { shape: [2], dtype: "int32" });
    actual.set("c", { shape: [3], dtype: "bfloat16" });

    const error = errorOf({ expected: shapes({ a: [1], b: [2], c: [3] }), actual, at: "m" })!;

    expect(error.message).toBe('m: expected the 3 tensors of the model, got 3: 1 of another element type ("b": int32)');
    expect(error.details).toMatchObject({ notFloats: ["b"], mismatched: [] });
  });

  it("puts every problem into one error", () => {
    const error = errorOf({
      expected: shapes({ a: [1], b: [2, 3], c: [4], d: [5] }),
      actual: held({ a: [1], b: [3, 2], c: [4, 1], e: [5] }),
      at: "model folder",
    })!;

    expect(error.code).toBe("WEIGHTS_MISMATCH");
    expect(error.message).toBe(
      'model folder: expected the 4 tensors of the model, got 4: 1 missing ("d"); 1 unexpected ("e"); ' +
        '2 of another shape ("b": expected [2, 3], got [3, 2], "c": expected [4], got [4, 1])',
    );
    expect(error.details).toMatchObject({
      missing: ["d"],
      unexpected: ["e"],
      mismatched: [
        { name: "b", expected: [2, 3], actual: [3, 2] },
        { name: "c", expected: [4], actual: [4, 1] },
      ],
    });
  });

  it("shows the first five and counts the rest; the details have all", () => {
    const names = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`layer${i}`, [1]]));

    const error = errorOf({ expected: shapes(names), actual: held({}), at: "m" })!;

    expect(error.message).toContain('12 missing ("layer0", "layer1", "layer2", "layer3", "layer4" and 7 more)');
    expect(error.details.missing).toHaveLength(12);
    expect(error.hint).toMatch(/different model/);
  });

  it("leaves ignored names out, absent, superfluous or of another shape", () => {
    const ignore = (name: string) => name.startsWith("unused.");

    const options = {
      expected: shapes({ a: [1], "unused.b": [1], "unused.d": [1] }),
      actual: held({ a: [1], "unused.c": [1], "unused.d": [2] }),
      at: "m",
    };

    expect(errorOf({ ...options, ignore })).toBeUndefined();
    expect(errorOf(options)).toBeDefined();
  });
});
