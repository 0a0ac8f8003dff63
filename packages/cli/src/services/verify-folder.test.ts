import type { Comparison } from "@fusion-vlm/core";
import { expect, test } from "vitest";
import { renderVariant, renderVerification } from "../presenters/verify-table.ts";
import { summarise, type VerifyResult } from "./verify-folder.ts";

function row(name: string, relativeError: number, passed = true): Comparison & { variant: string } {
  return {
    variant: "released",
    name,
    shape: [2, 3],
    elements: 6,
    maxError: 2 * relativeError,
    maxReference: 2,
    relativeError,
    tolerance: 1e-4,
    passed,
  };
}

function result(rows: VerifyResult["rows"], passed: boolean): VerifyResult {
  const summary = summarise(rows);
  const variants = [{ name: "released", passed, ...summary }];
  return {
    model: "m",
    reference: "r",
    device: "cpu",
    passed,
    ...summary,
    variants,
    rows,
    unusedFiles: ["x.safetensors"],
  };
}

test("the worst row is the one with the largest relative error", () => {
  expect(summarise([row("a", 1e-7), row("b", 3e-6), row("c", 2e-6)])).toMatchObject({
    failed: 0,
    worst: { name: "b" },
  });
});

test("a row that failed is worse than one that passed, and NaN is worst", () => {
  const rows = [row("loose", 1e-2), row("failed", 2e-4, false), row("nan", Number.NaN, false), row("later", 1, false)];

  expect(summarise(rows)).toMatchObject({ tensors: 4, failed: 3, worst: { name: "nan" } });
});

test("the table names each tensor once, under its variant, and ends with the verdict", () => {
  const rows = [row("released/h0", 1e-6), { ...row("released/positions", 0), tolerance: 0 }];

  expect(renderVerification(result(rows, true))).toBe(
    [
      "released",
      "   tensor     shape   max error  relative  tolerance",
      "✓  h0         [2, 3]     2.0e-6    1.0e-6     1.0e-4",
      "✓  positions  [2, 3]          0         0      exact",
      "",
      "Not compared: x.safetensors",
      "Passed on cpu: all 2 tensors within tolerance. Worst: released/h0, relative error 1.0e-6.",
    ].join("\n"),
  );
});

test("a failure is told in the table and in the verdict", () => {
  const rows = [row("released/h0", 1e-6), row("released/h1", 0.5, false)];
  const text = renderVerification(result(rows, false));

  expect(text).toContain("✗  h1");
  expect(text).toContain("FAILED on cpu: 1 of 2 tensors past tolerance. Worst: released/h1, relative error 5.0e-1.");
  expect(renderVariant(result(rows, false).variants[0]!)).toBe(
    "released: 1 of 2 tensors past tolerance; worst 5.0e-1 (released/h1)",
  );
});
