import { expect, it } from "vitest";
import { maxNewTokens, onText, onToken, stopRules } from "./stop-condition.ts";

it("combines conditions: the lowest limit, all tokens, all texts", () => {
  const rules = stopRules([maxNewTokens(9), onToken(1, 2), onText("a"), maxNewTokens(4), onToken(3), onText("b", "c")]);

  expect(rules).toEqual({ maxTokens: 4, tokens: new Set([1, 2, 3]), texts: ["a", "b", "c"] });
});

it("has no limit without maxNewTokens", () => {
  expect(stopRules([]).maxTokens).toBe(Number.POSITIVE_INFINITY);
});

it.each([
  [() => maxNewTokens(0), "maxNewTokens: expected a whole number of 1 or more, got 0"],
  [() => maxNewTokens(2.5), "maxNewTokens: expected a whole number of 1 or more, got 2.5"],
  [() => onToken(3, -1), "onToken: expected token ids, whole numbers of 0 or more, got -1"],
  [() => onText("a", ""), 'onText: expected strings of one character or more, got ""'],
])("refuses %s", (make, message) => {
  expect(make).toThrow(expect.objectContaining({ code: "OPTION_INVALID", message }));
});
