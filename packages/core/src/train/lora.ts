import { FusionError } from "../errors/index.ts";
import { createRandom, sizeOf } from "../tensor/index.ts";
import { type NamePattern, nameMatcher } from "./name-pattern.ts";
import { matchesNothing } from "./parameter-rule.ts";

/** Low-rank adapters instead of the weights themselves (Hu et al. 2022, arXiv 2106.09685). */
export interface LoraOptions {
  /** r: inner dimension of an adapter. */
  readonly rank: number;
  /** α: the adapters' product counts α/r. */
  readonly alpha: number;
  /** Weights of linear layers that get adapters; every pattern must match one. */
  readonly targets: NamePattern | readonly NamePattern[];
  /** Of the initial A; 0 when absent. */
  readonly seed?: number;
}

/** The adapters of one weight W [out, in], named as peft names them. */
export interface LoraAdapter {
  /** W */
  readonly weight: string;
  /** A [r, in] */
  readonly a: string;
  /** B [out, r] */
  readonly b: string;
}

export interface Lora {
  /** α/r */
  readonly scale: number;
  readonly rank: number;
  readonly seed: number;
  /** By the name of the weight. */
  readonly adapters: ReadonlyMap<string, LoraAdapter>;
  /** Every A and B with its shape. */
  readonly parameters: ReadonlyMap<string, readonly number[]>;
}

/**
 * Adapters for the weights that the targets match: W counts as W + (α/r)·B·A.
 *
 * @param shapes - of the model's parameters, by checkpoint name
 * @throws OPTION_INVALID for impossible numbers, and a target that matches no weight of a linear layer
 */
export function loraAdapters(
  shapes: ReadonlyMap<string, readonly number[]>,
  { rank, alpha, targets, seed = 0 }: LoraOptions,
): Lora {
  if (!(Number.isInteger(rank) && rank >= 1)) throw wrong("rank", "a whole number of 1 or more", rank);
  if (!(alpha > 0 && alpha < Number.POSITIVE_INFINITY)) throw wrong("alpha", "a number above 0", alpha);
  const linear = [...shapes].filter(([name, shape]) => isLinear(name, shape));
  const names = linear.map(([name]) => name);
  for (const target of [targets].flat()) {
    if (!names.some(nameMatcher(target))) throw matchesNothing("LoRA target", target, names);
  }
  const isTarget = nameMatcher(targets);
  const adapters = new Map<string, LoraAdapter>();
  const parameters = new Map<string, readonly number[]>();
  for (const [weight, [outputs, inputs]] of linear) {
    if (!isTarget(weight)) continue;
    const layer = weight.slice(0, -".weight".length);
    const adapter = { weight, a: `${layer}.lora_A.weight`, b: `${layer}.lora_B.weight` };
    adapters.set(weight, adapter);
    parameters.set(adapter.a, [rank, inputs!]);
    parameters.set(adapter.b, [outputs!, rank]);
  }
  if (adapters.size === 0) throw matchesNothing("LoRA target", targets, names);
  return { scale: alpha / rank, rank, seed, adapters, parameters };
}

/** A as peft starts it, uniform in ±1/√in (`kaiming_uniform_` with a = √5), the same for the same seed; B is zero. */
export function initialAdapter({ parameters, seed }: Lora, name: string): Float32Array {
  const shape = parameters.get(name)!;
  const values = new Float32Array(sizeOf(shape));
  if (name.endsWith(".lora_B.weight")) return values;
  const next = createRandom(seed, name);
  const bound = 1 / Math.sqrt(shape[1]!);
  return values.map(() => (2 * next() - 1) * bound);
}

/** Matrices that rows are multiplied with; tables of embeddings, whose rows are looked up, are none. */
function isLinear(name: string, shape: readonly number[]): boolean {
  return shape.length === 2 && name.endsWith(".weight") && !/embed(ding|_tokens)\.weight$/.test(name);
}

function wrong(name: string, expected: string, actual: number): FusionError {
  return new FusionError({
    code: "OPTION_INVALID",
    at: `LoRA ${name}`,
    expected,
    actual: String(actual),
    hint: "Correct this training option; rank 16 with alpha 32 is a usual choice.",
  });
}
