import { FusionError } from "../errors/index.ts";
import type { LoraOptions } from "./lora.ts";
import type { ParameterRule } from "./parameter-rule.ts";
import { type AdamWOptions, adamwDefaults } from "./update-graph.ts";

export interface TrainingOptions extends Partial<AdamWOptions> {
  /** Of matrices; norms and biases are never decayed. 0 when absent, as in the paper. */
  readonly weightDecay?: number;
  /** Parts with a learning rate or weight decay of their own, or frozen; the first that matches a parameter counts for it. */
  readonly rules?: readonly ParameterRule[];
  /** Train adapters; all parameters of the base model are then frozen where no rule says `frozen: false`. */
  readonly lora?: LoraOptions;
  /**
   * Compile a gradient program for each batch shape instead of one for all; false when absent. It compiles about four times
   * faster, and its steps are about 5 % slower on the CPU (docs/performance.md): for runs of a few steps of one shape.
   */
  readonly fixedSizes?: boolean;
  /** How many gradient programs stay compiled; 16 when absent. */
  readonly compiledPrograms?: number;
}

/** What {@link TrainingOptions} come to; there is no default of LoRA. */
export type CompleteOptions = Required<Omit<TrainingOptions, "lora">> & Pick<TrainingOptions, "lora">;

/** The options with their defaults filled in. Throws OPTION_INVALID naming one that is impossible. */
export function completeOptions(options: TrainingOptions): CompleteOptions {
  const { beta1, beta2, epsilon, maxGradientNorm } = adamwDefaults;
  const complete: CompleteOptions = {
    beta1: options.beta1 ?? beta1,
    beta2: options.beta2 ?? beta2,
    epsilon: options.epsilon ?? epsilon,
    maxGradientNorm: options.maxGradientNorm ?? maxGradientNorm,
    weightDecay: options.weightDecay ?? 0,
    rules: options.rules ?? [],
    lora: options.lora,
    fixedSizes: options.fixedSizes ?? false,
    compiledPrograms: options.compiledPrograms ?? 16,
  };
  requireOptions(complete);
  return complete;
}

function requireOptions(options: CompleteOptions): void {
  const { beta1, beta2, epsilon, maxGradientNorm, weightDecay, compiledPrograms } = options;
  for (const [name, beta] of Object.entries({ beta1, beta2 })) {
    if (!(beta >= 0 && beta < 1)) throw optionError(name, "a number from 0 to below 1", String(beta));
  }
  for (const [name, value] of Object.entries({ epsilon, maxGradientNorm, weightDecay })) {
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY))
      throw optionError(name, "a number of 0 or more", String(value));
  }
  if (Number.isInteger(compiledPrograms) && compiledPrograms >= 1) return;
  throw optionError("compiledPrograms", "a whole number of 1 or more", String(compiledPrograms));
}

export function optionError(at: string, expected: string, actual: string): FusionError {
  return new FusionError({
    code: "OPTION_INVALID",
    at,
    expected,
    actual,
    hint: "Correct this training option or call.",
  });
}
