import { describe, expect, it } from "vitest";
import { FusionError } from "../errors/index.ts";
import { addDims, type Dim, dim, divideDims, multiplyDims, sameShape, subtractDims, termsOf } from "./dims.ts";

describe("dim", () => {
  it.each<[Dim, Dim]>([
    [7, 7],
    ["7", 7],
    ["S", "S"],
    ["Q*B", "B*Q"],
    ["B * 4", "4*B"],
    ["2*B*3", "6*B"],
    ["576 + I", "I + 576"],
    ["S - 1", "S + -1"],
    ["S-B", "-1*B + S"],
    ["S + -1", "S + -1"],
    ["B + B", "2*B"],
    ["S - S", 0],
    ["S - S + 3", 3],
    ["-2*S + 3*S", "S"],
  ])("writes %s as %s, and that as itself", (written, canonical) => {
    expect(dim(written)).toBe(canonical);
    expect(dim(canonical)).toBe(canonical);
  });

  it.each(["", "2S", "B/2", "B Q", "B +", "*B", "B**Q", "(B)", "1.5", 1.5, Number.NaN])("refuses %s", (written) => {
    let thrown: unknown;
    try {
      dim(written);
    } catch (error) {
      thrown = error;
    }

    expect(FusionError.isInstance(thrown) && thrown.code).toBe("GRAPH_INVALID");
  });
});

describe("the algebra of dimensions", () => {
  it("adds, subtracts and multiplies polynomials", () => {
    expect(addDims("I", 576, "I")).toBe("2*I + 576");
    expect(addDims()).toBe(0);
    expect(subtractDims("C + S", "C")).toBe("S");
    expect(subtractDims(5, "S")).toBe("-1*S + 5");
    expect(multiplyDims("B", "I + 576")).toBe("576*B + B*I");
    expect(multiplyDims("S + 1", "S - 1")).toBe("S*S + -1");
    expect(multiplyDims("B", 0)).toBe(0);
    expect(multiplyDims()).toBe(1);
  });

  it("has one form for one size, however it came about", () => {
    expect(multiplyDims("B", addDims("S", "T"))).toBe(addDims(multiplyDims("T", "B"), multiplyDims("S", "B")));
  });

  it.each<[Dim, Dim, Dim | undefined]>([
    ["4*B", 4, "B"],
    ["4*B", "B", 4],
    ["B*I + 576*B", "B", "I + 576"],
    ["B*B", "B", "B"],
    [12, 4, 3],
    [0, 4, 0],
    ["I + 576", "I + 576", 1],
    ["4*B", 8, undefined],
    ["B + 1", "B", undefined],
    [12, 0, undefined],
    ["B*I + 576*B", "I + 576", undefined],
  ])("divides %s by %s to %s", (a, b, quotient) => {
    expect(divideDims(a, b)).toBe(quotient);
  });

  it("takes a size apart into terms", () => {
    expect(termsOf("2*B*Q + 3")).toEqual([
      { coefficient: 2, factors: ["B", "Q"] },
      { coefficient: 3, factors: [] },
    ]);
    expect(termsOf("S - 1")).toEqual([
      { coefficient: 1, factors: ["S"] },
      { coefficient: -1, factors: [] },
    ]);
  });

  it("compares shapes axis by axis", () => {
    expect(sameShape(["B", 2], ["B", 2])).toBe(true);
    expect(sameShape(["B", 2], ["S", 2])).toBe(false);
    expect(sameShape(["B"], ["B", 1])).toBe(false);
  });
});
