import { describe, expect, it } from "vitest";
import { nameMatcher, namesLike } from "./name-pattern.ts";

describe("nameMatcher", () => {
  it.each([
    ["model.layers.*", "model.layers.0.mlp.down_proj.weight", true],
    ["*.mlp.*.weight", "model.layers.10.mlp.down_proj.weight", true],
    ["model.layers.*.weight", "model.layers.0.self_attn.q_proj.bias", false],
    ["model.layers", "model.layers.0.mlp.down_proj.weight", false],
    ["layers.*", "model.layers.0.mlp.down_proj.weight", false],
    ["lm_head.weight", "lm_head.weight", true],
    ["lm_head.weight", "lm_headxweight", false],
    ["a+b(c)[d]*", "a+b(c)[d].weight", true],
    ["*", "anything", true],
  ])("%s, of %s: %s", (pattern, name, expected) => {
    expect(nameMatcher(pattern)(name)).toBe(expected);
  });

  it("takes several patterns, of which one must match, and none, which match nothing", () => {
    const matches = nameMatcher(["a.*", "b.*"]);

    expect(["a.x", "b.x", "c.x"].map(matches)).toEqual([true, true, false]);
    expect(nameMatcher([])("a.x")).toBe(false);
  });
});

describe("namesLike", () => {
  it("puts the names first that begin most like the pattern", () => {
    const names = ["lm_head.weight", "model.norm.weight", "model.mm_projector.0.bias", "model.mm_projector.0.weight"];

    expect(namesLike("model.mm_proj.*", names)).toEqual([
      "model.mm_projector.0.bias",
      "model.mm_projector.0.weight",
      "model.norm.weight",
    ]);
  });
});
