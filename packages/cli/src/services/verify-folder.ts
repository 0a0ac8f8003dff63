import { type Comparison, nodeBackend, type Semantics, verifyModel } from "@fusion-vlm/core";
import type { Settings } from "@fusion-vlm/plugin-kit";

export interface VerifyFolderOptions {
  readonly model: string;
  readonly reference: string;
  readonly device: Settings["device"]["value"];
  readonly threads?: number;
  readonly semantics?: Semantics;
  readonly tolerance?: number;
  /** Recorded gradients and steps of AdamW too. */
  readonly gradients?: boolean;
  readonly signal: AbortSignal;
  /** Called after each variant. */
  readonly onVariant?: (summary: VariantSummary) => void;
}

export interface VariantSummary {
  readonly name: string;
  readonly passed: boolean;
  readonly tensors: number;
  readonly failed: number;
  /** The tensor with the largest relative error among those that are compared with a tolerance. */
  readonly worst: Comparison;
}

/** The document of `fusion model verify`. */
export interface VerifyResult {
  readonly model: string;
  readonly reference: string;
  readonly device: string;
  readonly passed: boolean;
  readonly tensors: number;
  readonly failed: number;
  readonly worst: Comparison;
  readonly variants: readonly VariantSummary[];
  readonly rows: readonly (Comparison & { readonly variant: string })[];
  readonly unusedFiles: readonly string[];
}

/** Runs a model on a reference folder. Throws as `verifyModel`, and ABORTED between two variants. */
export async function verifyFolder(options: VerifyFolderOptions): Promise<VerifyResult> {
  const { model, reference, device, threads, semantics, tolerance, gradients, signal, onVariant } = options;
  const backend = await nodeBackend({ device, threads });
  try {
    const variants: VariantSummary[] = [];
    const rows: (Comparison & { variant: string })[] = [];
    const { passed, unusedFiles } = await verifyModel({
      model,
      reference,
      backend,
      semantics,
      tolerance,
      gradients,
      onVariant: (name, own) => {
        signal.throwIfAborted();
        const summary = { name, passed: own.every((row) => row.passed), ...summarise(own) };
        variants.push(summary);
        rows.push(...own.map((row) => ({ variant: name, ...row })));
        onVariant?.(summary);
      },
    });
    return { model, reference, device: backend.device, passed, ...summarise(rows), variants, rows, unusedFiles };
  } finally {
    await backend.dispose();
  }
}

/** Counts rows and finds the worst one: what failed before what passed, then the larger relative error. */
export function summarise<Row extends Comparison>(
  rows: readonly Row[],
): { tensors: number; failed: number; worst: Row } {
  const failed = rows.filter((row) => !row.passed);
  const worst = (failed.length > 0 ? failed : rows).reduce((worse, row) => (isWorse(row, worse) ? row : worse));
  return { tensors: rows.length, failed: failed.length, worst };
}

function isWorse(one: Comparison, other: Comparison): boolean {
  return Number.isNaN(one.relativeError) || one.relativeError > other.relativeError;
}
