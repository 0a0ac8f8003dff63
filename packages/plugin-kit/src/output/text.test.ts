import { describe, expect, test } from "vitest";
import { formatBytes, formatDuration, keyValues, table } from "./text.ts";

test("a table lines its columns up, numbers from the right", () => {
  const text = table(
    [
      { name: "logits", error: 0.25 },
      { name: "h0", error: 12 },
    ],
    [
      { head: "tensor", value: ({ name }) => name },
      { head: "error", value: ({ error }) => error, align: "right" },
    ],
  );

  expect(text).toBe("tensor  error\nlogits   0.25\nh0         12");
});

test("a table without rows is its heads", () => {
  expect(
    table(
      [],
      [
        { head: "a", value: String },
        { head: "b", value: String },
      ],
    ),
  ).toBe("a  b");
});

test("key-value lines leave out what has no value", () => {
  const entries = [
    ["model", "nano"],
    ["seed", undefined],
    ["tokens", 3],
  ] as const;

  expect(keyValues(entries)).toBe("model   nano\ntokens  3");
  expect(keyValues([])).toBe("");
});

describe("units", () => {
  test.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [1.5 * 1024 ** 3, "1.5 GiB"],
    [5000 * 1024 ** 4, "5000.0 TiB"],
  ])("%d bytes are %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test.each([
    [0, "0:00"],
    [59.6, "1:00"],
    [3723, "1:02:03"],
  ])("%d seconds are %s", (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});
