import { describe, expect, it } from "vitest";
import { fusionParameters } from "../fusion/index.ts";
import { tinyConfig } from "../testing/index.ts";
import { parameterGroups } from "./parameter-groups.ts";

describe("parameterGroups", () => {
  it("puts norms and biases, and nothing else, into the group without decay", () => {
    const shapes = fusionParameters(tinyConfig());
    const groups = parameterGroups(shapes, { weightDecay: 0.1 });
    const [matrices, others] = groups as [(typeof groups)[0], (typeof groups)[0]];

    expect([matrices.weightDecay, others.weightDecay]).toEqual([0.1, 0]);
    expect(others.parameters.every(({ name }) => /norm.*\.weight$|\.bias$|_proj\.0\.weight$/.test(name))).toBe(true);
    expect(matrices.parameters.some(({ name }) => /norm|\.bias$/.test(name))).toBe(false);
    expect(matrices.parameters.length + others.parameters.length).toBe(shapes.size);
  });

  it("lays parameters one behind the other", () => {
    const [group] = parameterGroups(
      new Map([
        ["a", [2, 3]],
        ["b", [4, 1]],
      ]),
      { weightDecay: 0 },
    );

    expect(group).toMatchObject({ name: "matrices", size: 10, learningRateScale: 1 });
    expect(group!.parameters).toEqual([
      { name: "a", shape: [2, 3], offset: 0, size: 6 },
      { name: "b", shape: [4, 1], offset: 6, size: 4 },
    ]);
  });

  it("has no empty group", () => {
    expect(parameterGroups(new Map([["b", [4]]]), { weightDecay: 1 }).map(({ name }) => name)).toEqual([
      "norms_and_biases",
    ]);
  });
});
