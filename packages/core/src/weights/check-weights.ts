import { FusionError } from "../errors/index.ts";
import type { Dtype } from "../tensor/index.ts";
import { describeValue, listSome } from "./weights-error.ts";

export interface CheckWeightsOptions {
  /** Parameter name → shape that the model has. */
  readonly expected: ReadonlyMap<string, readonly number[]>;
  /** The element type of those that are no floating-point numbers: quantised weights. */
  readonly wholeNumbers?: ReadonlyMap<string, Dtype>;
  /** Tensor name → what the files hold. */
  readonly actual: ReadonlyMap<string, { readonly shape: readonly number[]; readonly dtype: Dtype }>;
  /** True for names that may be there without a use, and may be absent. */
  readonly ignore?: (name: string) => boolean;
  /** Where the weights come from, for the message. */
  readonly at: string;
}

/** Element types that the graphs take; whole numbers would be run as if they were weights. */
const floats: readonly Dtype[] = ["float32", "float16", "bfloat16", "float64"];

/** A tensor of the right name and the wrong shape. */
export interface ShapeDifference {
  readonly name: string;
  readonly expected: readonly number[];
  readonly actual: readonly number[];
}

/**
 * Demands that weights fit a model, before any of their bytes are read.
 *
 * @throws one WEIGHTS_MISMATCH for all problems; `details` has the full lists `missing`, `unexpected`, `notFloats` (names)
 *   and `mismatched` ({@link ShapeDifference}), the message their counts and the first five of each
 */
export function checkWeights({ expected, wholeNumbers, actual, ignore = () => false, at }: CheckWeightsOptions): void {
  const missing = [...expected.keys()].filter((name) => !actual.has(name) && !ignore(name));
  const unexpected = [...actual.keys()].filter((name) => !expected.has(name) && !ignore(name));
  const mismatched = [...expected].flatMap(([name, shape]): ShapeDifference[] => {
    const found = actual.get(name)?.shape;
    if (!found || ignore(name) || isSameShape(shape, found)) return [];
    return [{ name, expected: [...shape], actual: [...found] }];
  });
  const notFloats = [...expected.keys()].filter((name) => {
    const found = actual.get(name);
    if (!found || ignore(name)) return false;
    const whole = wholeNumbers?.get(name);
    return whole === undefined ? !floats.includes(found.dtype) : found.dtype !== whole;
  });
  if (missing.length + unexpected.length + mismatched.length + notFloats.length === 0) return;

  const problems = [
    describe("missing", missing.map(describeValue)),
    describe("unexpected", unexpected.map(describeValue)),
    describe(
      "of another shape",
      mismatched.map(
        (it) => `${describeValue(it.name)}: expected [${it.expected.join(", ")}], got [${it.actual.join(", ")}]`,
      ),
    ),
    describe(
      "of another element type",
      notFloats.map((name) => `${describeValue(name)}: ${actual.get(name)!.dtype}`),
    ),
  ].filter((problem) => problem !== undefined);
  throw new FusionError({
    code: "WEIGHTS_MISMATCH",
    at,
    message: `${at}: expected the ${expected.size} tensors of the model, got ${actual.size}: ${problems.join("; ")}`,
    hint:
      missing.length === expected.size
        ? "Choose another folder: these are the weights of a different model."
        : "Check that config.json and the weights belong to the same model.",
    details: { missing, unexpected, mismatched, notFloats },
  });
}

function describe(kind: string, items: readonly string[]): string | undefined {
  return items.length === 0 ? undefined : `${items.length} ${kind} (${listSome(items)})`;
}

function isSameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}
