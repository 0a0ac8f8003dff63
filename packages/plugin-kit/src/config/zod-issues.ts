import type { z } from "zod";

type Issue = z.core.$ZodIssue;

/** One line per problem: `generation.topP: expected at most 1, got 3`. */
export function describeIssues(issues: readonly Issue[], parent: readonly string[] = []): string[] {
  return issues.flatMap((issue) => describe(issue, [...parent, ...issue.path.map(String)]));
}

function describe(issue: Issue, path: readonly string[]): string[] {
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => `${[...path, key].join(".")}: there is no such key`);
  return [`${path.join(".") || "the file"}: expected ${expectation(issue)}, got ${show(issue.input)}`];
}

function expectation(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.expected === "int" ? "a whole number" : article(issue.expected);
    case "invalid_value":
      return `one of ${issue.values.map(show).join(", ")}`;
    case "too_small":
      if (issue.origin === "string" || issue.origin === "array")
        return `at least ${issue.minimum} of ${issue.origin === "string" ? "its characters" : "its items"}`;
      return issue.inclusive ? `at least ${issue.minimum}` : `more than ${issue.minimum}`;
    case "too_big":
      return issue.inclusive ? `at most ${issue.maximum}` : `less than ${issue.maximum}`;
    default:
      return issue.message;
  }
}

function article(type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "function") return "a function";
  return JSON.stringify(value) ?? String(value);
}
