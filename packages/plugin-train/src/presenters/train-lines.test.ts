import { expect, test } from "vitest";
import type { DataEvent } from "../trainer/train-events.ts";
import { dataLines } from "./train-lines.ts";

const data: DataEvent = {
  ...{
    type: "data",
    file: "a.json",
    source: "a.json",
    bytes: 900,
    records: 9,
    samples: 9,
    sha256: "00",
    sampling: "all",
  },
  ...{ pictures: 4, skipped: [], cutInstructions: 0, duplicateIds: { count: 0, first: [] } },
};

test("a data file that is used as it is has one line", () => {
  expect(dataLines(data)).toBe("a.json: 9 samples, 4 pictures");
});

test("what is taken of a data file, left out and worth a look has lines of its own, without the file's control characters", () => {
  const skipped = [7, 8, 9, 12].map((record) => ({ record, unit: "line" as const, reason: "expected JSON\u001b[2J" }));

  expect(
    dataLines({
      ...data,
      ...{ source: "a.json (datasets[2])", records: 70, samples: 5, sampling: "random:12%", skipped },
      ...{ cutInstructions: 1, duplicateIds: { count: 3, first: ["x", "y"] } },
    }).split("\n"),
  ).toEqual([
    "a.json (datasets[2]): 5 samples, 4 pictures, random:12% of 70 records",
    "  left out: 4: line 7 (expected JSON[2J), line 8 (expected JSON[2J), line 9 (expected JSON[2J), …",
    "  instructions cut at 256 tokens: 1",
    "  ids that occur again: 3: x, y, …",
  ]);
});
