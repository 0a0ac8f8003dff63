import { expect, test } from "vitest";
import { formatSpan } from "./format-span.ts";

test.each([
  [0.4, "0 s"],
  [48, "48 s"],
  [59.6, "1 min"],
  [200, "3 min 20 s"],
  [3599.7, "1 h"],
  [3900, "1 h 5 min"],
  [86_399, "1 d"],
  [180_000, "2 d 2 h"],
])("%d seconds are %s", (seconds, text) => {
  expect(formatSpan(seconds)).toBe(text);
});
