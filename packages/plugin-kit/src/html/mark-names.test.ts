import { expect, test } from "vitest";
import { markNames } from "./mark-names.ts";

const placesOf = (marks: { x: number; label: string }[]) =>
  [...markNames(marks).markup.text.matchAll(/class="mark-name (\w+)" style="([^"]*)">([^<]*)</g)].map(
    ([, side, style, text]) => [text, side, style],
  );

test("names stand beside each other where they have room, and above each other where they have not", () => {
  const marks = [
    { x: 0, label: "stage 1" },
    { x: 0.1, label: "stage 1.5" },
    { x: 0.6, label: "stage 2" },
  ];

  expect(markNames(marks).lanes).toBe(2);
  expect(placesOf(marks)).toEqual([
    ["stage 1", "left", "left:0%;bottom:100%"],
    ["stage 1.5", "left", "left:10%;bottom:calc(100% + 1.2rem)"],
    ["stage 2", "left", "left:60%;bottom:100%"],
  ]);
});

test("a name at the right end stands left of its mark", () => {
  expect(placesOf([{ x: 0.97, label: "questions" }])).toEqual([["questions", "right", "right:3%;bottom:100%"]]);
});

test("long names are cut, and names without room are left to their lines", () => {
  const [[cut]] = placesOf([{ x: 0, label: "n".repeat(60) }]) as [[string]];
  expect(cut).toBe(`${"n".repeat(23)}…`);

  const crowd = Array.from({ length: 9 }, (_, index) => ({ x: 0.2 + index / 1000, label: `stage ${index}` }));
  expect(placesOf(crowd)).toHaveLength(4);
});
