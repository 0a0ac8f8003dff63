import type { Tensor } from "../tensor/index.ts";
import type { StepLosses } from "../train/index.ts";
import { type Comparison, compare, compareExactly, compareZero, numbers } from "./compare.ts";
import { unknownTensor } from "./recorded-tensors.ts";
import type { RecordedLosses, Tensors } from "./reference-folder.ts";

/** Of a tensor with more elements than this, every seventh was recorded. */
const largestComplete = 256;
const stride = 7;

/** Largest absolute value of a gradient that is zero by mathematics. */
const zeroTolerance = 1e-6;

/**
 * Biases of keys: they add the same to every score of a query, which the softmax takes away again. The bias of the norm in
 * front of an interaction layer's key projection is such a bias too.
 */
const vanishing = /vision_tower\..*\.self_attn\.k_proj\.bias$|\.cross_attn\.k_proj\.0\.bias$/;

const losses = { total: "loss", ce: "answer", cos_instruct: "visionToText", cos_vision: "textToVision" } as const;

/** Gradients or parameters of ours by checkpoint name. */
export type ParameterTensors = ReadonlyMap<string, Tensor<"float32">>;

/** Throws REFERENCE_INVALID for a parameter that this model does not have. */
export function requireParameters(recorded: Tensors, shapes: ReadonlyMap<string, unknown>, at: string): void {
  for (const name of recorded.keys()) if (!shapes.has(name)) throw unknownTensor(`${at}/${name}`);
}

/**
 * Every recorded gradient beside ours; a parameter of ours without a recorded one must have none, and one that is zero by
 * mathematics is held against zero.
 *
 * @param recorded - complete up to 256 elements, else every seventh of the flat gradient
 */
export function stridedRows(name: string, recorded: Tensors, own: ParameterTensors, tolerance: number): Comparison[] {
  const rows = [...own].map(([parameter, gradient]) => {
    const reference = recorded.get(parameter);
    const at = `${name}/${parameter}`;
    if (!reference) return compareZero(at, numbers(gradient), 0);
    if (vanishing.test(parameter)) return compareZero(at, numbers(gradient), zeroTolerance);
    return compare(at, numbers(reference), numbers(strided(gradient)), tolerance);
  });
  return [compareExactly(`${name}/parameters`, [recorded.size], [own.size]), ...rows];
}

/** Recorded whole tensors (gradients, parameters after steps) beside ours. */
export function completeRows(name: string, recorded: Tensors, own: ParameterTensors, tolerance: number): Comparison[] {
  return [...recorded].map(([parameter, reference]) =>
    compare(`${name}/${parameter}`, numbers(reference), numbers(own.get(parameter)!), tolerance),
  );
}

/** L2 norms of all gradients, which see the elements that were not recorded: each as a multiple of the recorded one. */
export function normsRow(
  name: string,
  recorded: Readonly<Record<string, number | null>>,
  own: ParameterTensors,
  tolerance: number,
): Comparison {
  const ratios = [...own]
    .filter(([parameter]) => !vanishing.test(parameter))
    .map(([parameter, { data }]) => {
      const norm = Math.sqrt(data.reduce((sum, value) => sum + value * value, 0));
      const expected = recorded[parameter] ?? 0;
      return norm === expected ? 1 : norm / expected;
    });
  const shape = [ratios.length];
  return compare(`${name}/norms`, { shape, data: ratios.map(() => 1) }, { shape, data: ratios }, tolerance);
}

/** The four losses, each a row. */
export function lossRows(name: string, recorded: RecordedLosses, own: StepLosses, tolerance: number): Comparison[] {
  return Object.entries(losses).map(([key, output]) => {
    const value = (data: number) => ({ shape: [], data: [data] });
    return compare(`${name}.${key}`, value(recorded[key as keyof RecordedLosses]), value(own[output]), tolerance);
  });
}

function strided(gradient: Tensor<"float32">): Tensor<"float32"> {
  const { data } = gradient;
  if (data.length <= largestComplete) return gradient;
  const kept = data.filter((_, index) => index % stride === 0);
  return { dtype: "float32", shape: [kept.length], data: kept };
}
