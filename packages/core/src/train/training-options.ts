import { FusionError } from "../errors/index.ts";
import { adafactor, adafactorDefaults } from "./adafactor.ts";
import { type AdamWOptions, adamw, adamwDefaults } from "./adamw.ts";
import type { LoraOptions } from "./lora.ts";
import { muon, muonDefaults } from "./muon.ts";
import type { Optimizer, OptimizerName } from "./optimizer.ts";
import type { ParameterRule } from "./parameter-rule.ts";

export interface TrainingOptions extends Partial<AdamWOptions> {
  /**
   * `adamw` when absent, as in the paper. `muon` learns from random weights in about half the steps; `adafactor` keeps far less in
   * memory, and has no `beta1`, `beta2` and `epsilon` to choose.
   */
  readonly optimizer?: OptimizerName;
  /** Of matrices; norms and biases are never decayed. 0 when absent, as in the paper. */
  readonly weightDecay?: number;
  /** Parts with a learning rate or weight decay of their own, or frozen; the first that matches a parameter counts for it. */
  readonly rules?: readonly ParameterRule[];
  /** Train adapters; all parameters of the base model are then frozen where no rule says `frozen: false`. */
  readonly lora?: LoraOptions;
  /**
   * Compute the insides of layers again in the backward pass instead of keeping them; false when absent. Losses and gradients
   * are the same bit by bit, memory falls with the number of layers, and a step does about a third more work.
   */
  readonly checkpointing?: boolean;
  /**
   * Compile a gradient program for each batch shape instead of one for all; false when absent. It compiles about four times
   * faster, and its steps are about 5 % slower on the CPU (docs/performance.md): for runs of a few steps of one shape.
   */
  readonly fixedSizes?: boolean;
  /** How many gradient programs stay compiled; 16 when absent. */
  readonly compiledPrograms?: number;
}

/** What {@link TrainingOptions} come to; there is no default of LoRA. */
export interface CompleteOptions extends Required<Omit<TrainingOptions, "lora" | "optimizer" | keyof AdamWOptions>> {
  readonly lora?: LoraOptions;
  readonly optimizer: Optimizer;
}

/** The options with their defaults filled in. Throws OPTION_INVALID naming one that is impossible. */
export function completeOptions(options: TrainingOptions): CompleteOptions {
  const { weightDecay = 0, compiledPrograms = 16, rules = [], lora } = options;
  const { fixedSizes = false, checkpointing = false } = options;
  requireNumber("weightDecay", weightDecay);
  if (!(Number.isInteger(compiledPrograms) && compiledPrograms >= 1)) {
    throw optionError("compiledPrograms", "a whole number of 1 or more", String(compiledPrograms));
  }
  return { optimizer: chosenOptimizer(options), weightDecay, compiledPrograms, rules, lora, fixedSizes, checkpointing };
}

function chosenOptimizer(options: TrainingOptions): Optimizer {
  const { optimizer = "adamw", maxGradientNorm = adamwDefaults.maxGradientNorm } = options;
  requireNumber("maxGradientNorm", maxGradientNorm);
  const { beta1 = adamwDefaults.beta1, beta2 = adamwDefaults.beta2, epsilon = adamwDefaults.epsilon } = options;
  if (optimizer === "adamw" || optimizer === "muon") {
    for (const [name, beta] of Object.entries({ beta1, beta2 })) {
      if (!(beta >= 0 && beta < 1)) throw optionError(name, "a number from 0 to below 1", String(beta));
    }
    requireNumber("epsilon", epsilon);
    const moments = { beta1, beta2, epsilon, maxGradientNorm };
    return optimizer === "adamw" ? adamw(moments) : muon({ ...muonDefaults, ...moments });
  }
  if (optimizer !== "adafactor") throw optionError("optimizer", "adamw, muon or adafactor", String(optimizer));
  for (const name of ["beta1", "beta2", "epsilon"] as const) {
    if (options[name] !== undefined)
      throw optionError(name, "nothing beside the optimizer adafactor", String(options[name]));
  }
  return adafactor({ ...adafactorDefaults, maxGradientNorm });
}

function requireNumber(name: string, value: number): void {
  if (value >= 0 && value < Number.POSITIVE_INFINITY) return;
  throw optionError(name, "a number of 0 or more", String(value));
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
