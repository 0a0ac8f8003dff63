import { readFileSync } from "node:fs";
import { exitCodes } from "@fusion-vlm/plugin-kit";
import { expect, test } from "vitest";

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");

test("docs/errors.md explains every error code of the SDK, and no other", () => {
  const declared = read("packages/core/src/errors/fusion-error.ts").match(/(?<=^ {2}\| ")[A-Z_]+(?=")/gm);
  const documented = read("docs/errors.md").match(/(?<=^\| `)[A-Z_]+(?=`)/gm);

  expect(declared?.length).toBeGreaterThan(10);
  expect(documented?.toSorted()).toEqual(declared?.toSorted());
});

test("docs/errors.md lists every exit code", () => {
  const documented = read("docs/errors.md").match(/(?<=^\| )\d+(?= )/gm);

  expect(documented).toEqual(["0", ...Object.values(exitCodes).map(String)]);
});
