import { expect, test } from "vitest";
import { shortNames } from "./file-names.ts";

test("files are called by the shortest end that tells them apart", () => {
  const paths = ["data/captions.json", "a/train.json", "b/train.json", "train.json"];

  expect(paths.map(shortNames(paths))).toEqual(["captions.json", "a/train.json", "b/train.json", "train.json"]);
});

test("the same file twice is one, and others are called what they are", () => {
  const short = shortNames(["c:\\data\\x.json", "c:\\data\\x.json"]);

  expect([short("c:\\data\\x.json"), short("other/y.json")]).toEqual(["x.json", "other/y.json"]);
});
