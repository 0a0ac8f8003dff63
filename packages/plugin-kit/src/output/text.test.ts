import { describe, expect, test } from "vitest";
import { formatBytes, formatCount, formatDuration, formatMilliseconds, keyValues, table } from "./text.ts";

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

test("names and values of others cannot steer the terminal", () => {
  const hostile = "a\u001b[2J\nb";

  expect(table([hostile], [{ head: "name", value: (name) => name }])).toBe("name\na[2J b");
  expect(keyValues([["name", hostile]])).toBe("name  a[2J b");
});

describe("units", () => {
  test.each([
    [0, "0"],
    [999, "999"],
    [1000, "1.00 K"],
    [3_603_552, "3.60 M"],
    [12_345_678, "12.3 M"],
    [1_034_000_000, "1.03 B"],
  ])("%d things are %s", (count, text) => {
    expect(formatCount(count)).toBe(text);
  });

  test.each([
    [0.42, "0.4 ms"],
    [9.96, "10 ms"],
    [85.4, "85 ms"],
    [999.6, "1.00 s"],
    [1254, "1.25 s"],
    [125_000, "2:05 min"],
  ])("%d milliseconds are %s", (milliseconds, text) => {
    expect(formatMilliseconds(milliseconds)).toBe(text);
  });

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
