import { expect, test } from "vitest";
import { exactMatch } from "./exact-match.ts";

test.each([
  ["red", "red"],
  [" Red\n", "red"],
  ["red.", "Red"],
  ["RED .", "red"],
  ["two cats", "Two cats."],
  ["ÄPFEL", "äpfel"],
])("%j is %j", (answer, expected) => {
  expect(exactMatch(answer, expected)).toBe(true);
});

test.each([
  ["red", "blue"],
  ["dark red", "red"],
  ["red..", "red"],
  ["two  cats", "two cats"],
  ["3", "three"],
  ["", "no"],
  ["1.5", "15"],
])("%j is not %j", (answer, expected) => {
  expect(exactMatch(answer, expected)).toBe(false);
});
