import { printableLine, table } from "@fusion-vlm/plugin-kit";
import type { VariantSummary, VerifyResult } from "../services/verify-folder.ts";

/** Every tensor under its variant, then one line that says how it went. */
export function renderVerification(result: VerifyResult): string {
  const { variants, rows, unusedFiles } = result;
  const sections = variants.map(({ name }) => {
    const own = rows.filter((row) => row.variant === name);
    return `${printableLine(name)}\n${variantTable(own)}`;
  });
  const unused = unusedFiles.length > 0 ? [`Not compared: ${unusedFiles.map(printableLine).join(", ")}`] : [];
  return [...sections, [...unused, verdict(result)].join("\n")].join("\n\n");
}

/** One variant, for progress. */
export function renderVariant({ name, tensors, failed, worst }: VariantSummary): string {
  const outcome =
    failed === 0 ? `${tensors} tensors within tolerance` : `${failed} of ${tensors} tensors past tolerance`;
  return `${printableLine(name)}: ${outcome}; worst ${formatError(worst.relativeError)} (${printableLine(worst.name)})`;
}

function variantTable(rows: VerifyResult["rows"]): string {
  return table(rows, [
    { head: "", value: ({ passed }) => (passed ? "✓" : "✗") },
    {
      head: "tensor",
      value: ({ name, variant }) => (name.startsWith(`${variant}/`) ? name.slice(variant.length + 1) : name),
    },
    { head: "shape", value: ({ shape }) => `[${shape.join(", ")}]` },
    { head: "max error", value: ({ maxError }) => formatError(maxError), align: "right" },
    { head: "relative", value: ({ relativeError }) => formatError(relativeError), align: "right" },
    {
      head: "tolerance",
      value: ({ tolerance, isAbsolute }) =>
        tolerance === 0 ? "exact" : `${formatError(tolerance)}${isAbsolute ? " absolute" : ""}`,
      align: "right",
    },
  ]);
}

function verdict({ passed, tensors, failed, worst, device }: VerifyResult): string {
  const shown = `${printableLine(worst.name)}, relative error ${formatError(worst.relativeError)}`;
  if (passed) return `Passed on ${device}: all ${tensors} tensors within tolerance. Worst: ${shown}.`;
  return `FAILED on ${device}: ${failed} of ${tensors} tensors past tolerance. Worst: ${shown}.`;
}

function formatError(error: number): string {
  return error === 0 ? "0" : error.toExponential(1);
}
