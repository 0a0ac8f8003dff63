import { describe, expect, it } from "vitest";
import { fusionParameters } from "../fusion/index.ts";
import { tinyConfig } from "../testing/index.ts";
import { parameterGroups } from "./parameter-groups.ts";
import { partPatterns } from "./part-patterns.ts";

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

describe("rules", () => {
  const shapes = new Map([
    ["tower.0.weight", [2, 3]],
    ["tower.0.bias", [2]],
    ["head.weight", [4, 2]],
    ["head.norm.weight", [4]],
  ]);
  const settings = (rules: Parameters<typeof parameterGroups>[1]["rules"], isFrozen?: (name: string) => boolean) =>
    parameterGroups(shapes, { weightDecay: 0.1, rules, isFrozen }).map(
      ({ name, frozen, learningRateScale, weightDecay, parameters }) => [
        name,
        frozen ? "frozen" : [learningRateScale, weightDecay],
        parameters.map((parameter) => parameter.name).join(),
      ],
    );

  it("give their parameters a learning rate and weight decay of their own; norms and biases are not decayed there either", () => {
    expect(settings([{ pattern: "tower.*", learningRateScale: 0.2, weightDecay: 0.3 }])).toEqual([
      ["rule1.matrices", [0.2, 0.3], "tower.0.weight"],
      ["rule1.norms_and_biases", [0.2, 0], "tower.0.bias"],
      ["matrices", [1, 0.1], "head.weight"],
      ["norms_and_biases", [1, 0], "head.norm.weight"],
    ]);
  });

  it("count in their order, the first that matches", () => {
    expect(
      settings([
        { pattern: ["*.norm.weight", "*.bias"], learningRateScale: 2 },
        { pattern: "*", learningRateScale: 3 },
      ]),
    ).toEqual([
      ["rule1.norms_and_biases", [2, 0], "tower.0.bias,head.norm.weight"],
      ["rule2.matrices", [3, 0.1], "tower.0.weight,head.weight"],
    ]);
  });

  it("freeze each parameter in a group of its own", () => {
    expect(settings([{ pattern: "tower.*", frozen: true }]).filter(([, what]) => what === "frozen")).toEqual([
      ["tower.0.weight", "frozen", "tower.0.weight"],
      ["tower.0.bias", "frozen", "tower.0.bias"],
    ]);
  });

  it("train what would be frozen otherwise only where they say so", () => {
    const frozen = settings(
      [
        { pattern: "tower.*", frozen: false },
        { pattern: "head.*", learningRateScale: 2 },
      ],
      (name) => name.endsWith(".weight"),
    ).filter(([, what]) => what === "frozen");

    expect(frozen.map(([name]) => name)).toEqual(["head.weight", "head.norm.weight"]);
  });

  it.each([
    [
      [{ pattern: "model.tower.*" }],
      /rule model\.tower\.\*: expected a pattern that matches a parameter, got none of 4 names, such as tower\.0\.weight/,
    ],
    [[{ pattern: [] }], /rule without a pattern: expected a pattern that matches/],
    [
      [{ pattern: "tower.*" }, { pattern: "tower.0.bias" }],
      "rule tower.0.bias: expected a parameter that no earlier rule matches, got none",
    ],
    [[{ pattern: "*", learningRateScale: -1 }], "rule *: learningRateScale: expected a number of 0 or more, got -1"],
    [[{ pattern: "*", weightDecay: Number.NaN }], "rule *: weightDecay: expected a number of 0 or more, got NaN"],
    [[{ pattern: "*", frozen: true }], "training rules: expected at least one parameter to train, got 4 frozen ones"],
  ])("are refused when wrong: %o", (rules, message) => {
    expect(() => settings(rules)).toThrow(message);
  });

  it("take the parts of a model by their names", () => {
    const shapes = fusionParameters(tinyConfig());
    const groups = parameterGroups(shapes, {
      weightDecay: 0,
      rules: [{ pattern: partPatterns.visionTower, frozen: true }],
    });

    const frozen = groups.filter((group) => group.frozen).map(({ name }) => name);
    expect(frozen.length).toBeGreaterThan(30);
    expect(frozen.every((name) => name.startsWith("model.vision_tower."))).toBe(true);
  });
});
