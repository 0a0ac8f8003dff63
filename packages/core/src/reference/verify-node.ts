import type { Backend } from "../backends/index.ts";
import { openModelFolder } from "../session/model-folder-node.ts";
import type { Comparison } from "./compare.ts";
import { openReference } from "./reference-folder-node.ts";
import { type VerifyContext, verifyForward } from "./verify-forward.ts";
import { verifyGeneration } from "./verify-generation.ts";

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
  /** Called after each variant, for progress. */
  readonly onVariant?: (name: string, rows: readonly Comparison[]) => void;
}

export interface VerifyReport {
  readonly passed: boolean;
  readonly rows: readonly Comparison[];
}

/** Runs a model on a reference folder and compares every recorded tensor. */
export async function verifyModel(options: VerifyOptions): Promise<VerifyReport> {
  const { backend, semantics, tolerance = 1e-4, onVariant } = options;
  const { config, weights } = await openModelFolder(options.model);
  try {
    const reference = await openReference(options.reference);
    const context: VerifyContext = { backend, config, weights, reference, tolerance };
    const rows: Comparison[] = [];
    for (const [name, variant] of Object.entries(reference.variants)) {
      if (semantics && variant.semantics !== semantics) continue;
      const own = [...(await verifyForward(context, name, variant)), ...(await verifyGeneration(context, name, variant))];
      onVariant?.(name, own);
      rows.push(...own);
    }
    return { passed: rows.length > 0 && rows.every((row) => row.passed), rows };
  } finally {
    await weights.close();
  }
}
