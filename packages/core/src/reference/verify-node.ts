import type { Backend } from "../backends/index.ts";
import { FusionError } from "../errors/index.ts";
import { openModelFolder, requireFloatWeights } from "../session/index-node.ts";
import type { Comparison } from "./compare.ts";
import { readRecordedImages } from "./recorded-images.ts";
import { readRecordedText } from "./recorded-text.ts";
import { referenceError } from "./reference-error.ts";
import { gradientFiles, type ReferenceFolder, type ReferenceVariant } from "./reference-folder.ts";
import { openReference } from "./reference-folder-node.ts";
import { type PreparedComparison, prepareForward, type VerifyContext } from "./verify-forward.ts";
import { prepareGeneration } from "./verify-generation.ts";
import { prepareGradients } from "./verify-gradients.ts";

export interface VerifyOptions {
  /** Folder of the model. */
  readonly model: string;
  /** Folder with inputs.safetensors, results.json and `<variant>*.safetensors`. */
  readonly reference: string;
  readonly backend: Backend;
  /** Variants of this semantics only; all when absent. */
  readonly semantics?: "released" | "paper";
  /** Largest accepted error relative to a tensor's largest absolute value; 1e-4 when absent. */
  readonly tolerance?: number;
  /** Also compare recorded gradients and steps of AdamW, or these only; each variant that has them trains for a while. */
  readonly gradients?: boolean | "only";
  /** Called after each variant, for progress. */
  readonly onVariant?: (name: string, rows: readonly Comparison[]) => void;
}

export interface VerifyReport {
  readonly passed: boolean;
  readonly rows: readonly Comparison[];
  /** Safetensors files of the reference folder that were not compared: gradients, where they were not asked for, and files of no variant. */
  readonly unusedFiles: readonly string[];
}

/**
 * Runs a model on a reference folder and compares every recorded tensor.
 *
 * @throws REFERENCE_INVALID when the folder lacks something, holds an unknown tensor or does not fit the model;
 * OPTION_INVALID for a bad tolerance; and what opening a model folder throws
 */
export async function verifyModel(options: VerifyOptions): Promise<VerifyReport> {
  const { backend, semantics, onVariant } = options;
  const tolerance = checkedTolerance(options.tolerance ?? 1e-4);
  const { folder, config, weights } = await openModelFolder(options.model);
  try {
    requireFloatWeights({ folder, config }, "Verify the model that this one was made from.");
    const reference = await openReference(options.reference);
    const images = readRecordedImages(reference, config);
    const text = readRecordedText(reference.inputs, reference.folder, config, images.index.length);
    const context: VerifyContext = { backend, config, weights, reference, images, text, tolerance };
    const variants = Object.entries(reference.variants).filter(([, v]) => !semantics || v.semantics === semantics);
    if (variants.length === 0) throw referenceError(reference.folder, `a variant with ${semantics} semantics`, "none");
    if (options.gradients) requireGradients(reference, variants);
    // All recorded files are read and checked before the first graph runs, which may take minutes.
    const prepared = new Map<string, PreparedComparison[]>();
    for (const [name, variant] of variants) {
      prepared.set(name, await prepareVariant(context, name, variant, options.gradients));
    }
    const rows: Comparison[] = [];
    for (const [name, comparisons] of prepared) {
      const own: Comparison[] = [];
      for (const run of comparisons) own.push(...(await run()));
      if (own.length > 0) onVariant?.(name, own);
      rows.push(...own);
    }
    return {
      passed: rows.every((row) => row.passed),
      rows,
      unusedFiles: unusedFiles(reference, Boolean(options.gradients)),
    };
  } finally {
    await weights.close();
  }
}

async function prepareVariant(
  context: VerifyContext,
  name: string,
  variant: ReferenceVariant,
  gradients: VerifyOptions["gradients"] = false,
): Promise<PreparedComparison[]> {
  const comparisons: PreparedComparison[] = [];
  if (gradients !== "only") {
    comparisons.push(await prepareForward(context, name, variant), await prepareGeneration(context, name, variant));
  }
  if (gradients) comparisons.push(...(await prepareGradients(context, name, variant)));
  return comparisons;
}

function unusedFiles({ others, variants }: ReferenceFolder, gradients: boolean): string[] {
  const compared = Object.entries(variants).flatMap(([name, variant]) =>
    gradients ? Object.values(gradientFiles(name, variant)) : [],
  );
  return others.filter((file) => !compared.includes(file));
}

function requireGradients({ folder, others }: ReferenceFolder, variants: readonly [string, ReferenceVariant][]): void {
  const names = variants.map(([name, variant]) => gradientFiles(name, variant).strided);
  if (names.some((name) => others.includes(name))) return;
  throw referenceError(folder, `gradients: ${names.join(" or ")}`, others.join(", ") || "no such file");
}

function checkedTolerance(tolerance: number): number {
  if (Number.isFinite(tolerance) && tolerance > 0) return tolerance;
  throw new FusionError({
    code: "OPTION_INVALID",
    at: "tolerance",
    expected: "a positive number",
    actual: String(tolerance),
    hint: "Leave it out for 1e-4 of each tensor's largest absolute value.",
  });
}
