import { expect, test } from "vitest";
import { type AnswerPair, pairedDifference } from "./paired-difference.ts";

/** As many pairs of each outcome as said, each in a cluster of its own or `size` of the same outcome in one. */
function pairs(counts: { both: number; first: number; second: number; neither: number }, size = 1): AnswerPair[] {
  const outcomes = [
    ...Array(counts.both).fill([true, true]),
    ...Array(counts.first).fill([true, false]),
    ...Array(counts.second).fill([false, true]),
    ...Array(counts.neither).fill([false, false]),
  ] as [boolean, boolean][];
  return outcomes.map(([first, second], index) => ({ cluster: `${Math.floor(index / size)}`, first, second }));
}

const counts = { both: 80, first: 160, second: 40, neither: 120 };

test("counts what only one of both got right", () => {
  expect(pairedDifference(pairs(counts))).toMatchObject({ difference: 0.3, onlyFirst: 160, onlySecond: 40 });
});

test("has the interval that large samples have", () => {
  const { interval } = pairedDifference(pairs(counts));

  // Standard error √(b + c − (b − c)²/n)/n of McNemar's pairs; b = 160, c = 40, n = 400: 0.03202.
  expect(interval![0]).toBeCloseTo(0.3 - 1.96 * 0.03202, 2);
  expect(interval![1]).toBeCloseTo(0.3 + 1.96 * 0.03202, 2);
});

test("is wider where questions about one picture are right together", () => {
  const width = ({ interval }: ReturnType<typeof pairedDifference>) => interval![1] - interval![0];

  // Four questions that always agree are one observation: √4 times as wide.
  expect(width(pairedDifference(pairs(counts, 4))) / width(pairedDifference(pairs(counts)))).toBeCloseTo(2, 0);
});

test("is the same each time, and zero for equal answers", () => {
  expect(pairedDifference(pairs(counts))).toEqual(pairedDifference(pairs(counts)));
  expect(pairedDifference(pairs({ both: 5, first: 0, second: 0, neither: 5 }))).toEqual({
    difference: 0,
    interval: [0, 0],
    onlyFirst: 0,
    onlySecond: 0,
  });
});

test("one picture tells nothing about others", () => {
  expect(pairedDifference(pairs({ both: 0, first: 5, second: 0, neither: 0 }, 5)).interval).toBeNull();
  expect(pairedDifference([])).toMatchObject({ difference: 0, interval: null });
});
