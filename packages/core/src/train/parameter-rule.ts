import { FusionError } from "../errors/index.ts";
import { type NamePattern, nameMatcher, namesLike } from "./name-pattern.ts";

/** What is special about the parameters that its patterns match. */
export interface ParameterRule {
  readonly pattern: NamePattern | readonly NamePattern[];
  /** Neither trained nor given a gradient or moments; false trains also what would be frozen otherwise, as beside LoRA. */
  readonly frozen?: boolean;
  /** Factor on the step's learning rate; 1 when absent. A peak of its own is that peak over the schedule's. */
  readonly learningRateScale?: number;
  /** Of matrices, instead of the weight decay of the others. */
  readonly weightDecay?: number;
}

/**
 * The index of the first rule that matches a name; −1 where none does.
 *
 * @throws OPTION_INVALID for a rule with a wrong number, one that matches nothing, or one whose names earlier rules take
 */
export function ruleFinder(rules: readonly ParameterRule[], names: Iterable<string>): (name: string) => number {
  const all = [...names];
  const matchers = rules.map(({ pattern }) => nameMatcher(pattern));
  const find = (name: string) => matchers.findIndex((matches) => matches(name));
  const used = new Set(all.map(find));
  rules.forEach((rule, index) => {
    requireNumbers(rule);
    if (!all.some(matchers[index]!)) throw matchesNothing("rule", rule.pattern, all);
    if (!used.has(index)) throw neverFirst(rule);
  });
  return find;
}

/** The error of patterns that match no name of a model, with a few names that exist. */
export function matchesNothing(
  what: string,
  pattern: NamePattern | readonly NamePattern[],
  names: readonly string[],
): FusionError {
  const patterns = [pattern].flat();
  return new FusionError({
    code: "OPTION_INVALID",
    at: `${what} ${patterns.join(", ") || "without a pattern"}`,
    expected: "a pattern that matches a parameter",
    actual: `none of ${names.length} names, such as ${namesLike(patterns[0] ?? "", names).join(", ")}`,
    hint: "Correct the pattern; * stands for any run of characters, and the whole name must match.",
  });
}

function requireNumbers({ pattern, learningRateScale = 1, weightDecay = 0 }: ParameterRule): void {
  for (const [name, value] of Object.entries({ learningRateScale, weightDecay })) {
    if (value >= 0 && value < Number.POSITIVE_INFINITY) continue;
    throw new FusionError({
      code: "OPTION_INVALID",
      at: `rule ${[pattern].flat().join(", ")}: ${name}`,
      expected: "a number of 0 or more",
      actual: String(value),
      hint: "Correct this training option.",
    });
  }
}

function neverFirst({ pattern }: ParameterRule): FusionError {
  return new FusionError({
    code: "OPTION_INVALID",
    at: `rule ${[pattern].flat().join(", ")}`,
    expected: "a parameter that no earlier rule matches",
    actual: "none",
    hint: "Put the more special rule first: the first that matches a parameter counts.",
  });
}
