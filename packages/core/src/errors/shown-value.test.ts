import { expect, it } from "vitest";
import { shownValue } from "./index.ts";

it.each([
  ["3", '"3" (a string)'],
  [Number.NaN, "NaN"],
  [null, "null"],
  [[1], "a list"],
  [{}, "an object"],
  [Object.create(null), "an object"],
  [new ArrayBuffer(1), "an ArrayBuffer"],
  [new Blob([]), "a Blob"],
  [new URL("file:///a"), "a URL"],
  [Symbol("s"), "Symbol(s)"],
])("%o is shown with its kind where that is not plain", (value, text) => {
  expect(shownValue(value)).toBe(text);
});
