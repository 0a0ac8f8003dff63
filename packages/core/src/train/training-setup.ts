import { type FusionConfig, fusionParameters } from "../fusion/index.ts";
import { type Lora, loraAdapters } from "./lora.ts";
import { type ParameterGroup, parameterGroups } from "./parameter-groups.ts";
import { type CompleteOptions, completeOptions, type TrainingOptions } from "./training-options.ts";

/** What a model and the options of its training come to. */
export interface TrainingSetup extends Omit<CompleteOptions, "lora"> {
  /** Parameters by what is done with them, adapters included. */
  readonly groups: readonly ParameterGroup[];
  readonly lora: Lora | undefined;
}

/** Throws OPTION_INVALID for impossible options. */
export function trainingSetup(config: FusionConfig, options: TrainingOptions): TrainingSetup {
  const complete = completeOptions(options);
  const base = fusionParameters(config);
  const lora = complete.lora && loraAdapters(base, complete.lora);
  const { weightDecay, rules } = complete;
  const isFrozen = (name: string) => lora !== undefined && !lora.parameters.has(name);
  const groups = parameterGroups(new Map([...base, ...(lora?.parameters ?? [])]), { weightDecay, rules, isFrozen });
  return { ...complete, groups, lora };
}
