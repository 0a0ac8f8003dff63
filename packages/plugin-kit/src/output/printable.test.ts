import { expect, test } from "vitest";
import { printable, printableLine } from "./printable.ts";

test.each([
  ["colours and cursor moves", "\u001b[31mred\u001b[2J", "[31mred[2J"],
  ["a window title", "\u001b]0;owned\u0007after", "]0;ownedafter"],
  ["one-character introducers", "a\u009b31mb\u0090c", "a31mbc"],
  ["carriage return and backspace, which overwrite", "safe\rEVIL\b\b", "safeEVIL"],
  ["marks that reorder text", "a\u202eexe.txt\u2066b", "aexe.txtb"],
  ["null and delete", "a\u0000b\u007f", "ab"],
])("drops %s", (_name, text, expected) => {
  expect(printable(text)).toBe(expected);
});

test("keeps tabs, newlines and every script", () => {
  const text = "a\tb\nä 日本語 عربى 👩‍👩‍👧";

  expect(printable(text)).toBe(text);
});

test("makes one line where one is needed", () => {
  expect(printableLine("a\r\nb\tc\nd\u001b")).toBe("a b c d");
});
