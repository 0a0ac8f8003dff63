import type { Graph } from "../graph/index.ts";
import { type ParameterGroup, type StateKind, stateLayout, trainedGroups } from "./parameter-groups.ts";

export type MomentKind = Exclude<StateKind, "parameters" | "gradient">;
export const optimizerNames = ["adamw", "muon", "adafactor"] as const;
export type OptimizerName = (typeof optimizerNames)[number];

/** How gradients change parameters: an update program, and what it remembers from step to step. */
export interface Optimizer {
  readonly name: OptimizerName;
  /** What it keeps for a group that is trained. */
  moments(group: ParameterGroup): readonly MomentKind[];
  /**
   * The update program. Inputs: `parameters`, `gradient` and moments of each trained group, `learning_rate`, what
   * {@link scalars} names, and `gradient_norm` where it clips. Outputs: `<state>.next` of parameters and moments.
   */
  graph(groups: readonly ParameterGroup[]): Graph;
  /** Scalars of a step, counted from 1. */
  scalars(step: number): Readonly<Record<string, number>>;
}

/** Bytes of the moments that an optimiser keeps between steps, in float32; parameters and gradients come on top. */
export function optimizerStateBytes(groups: readonly ParameterGroup[], optimizer: Optimizer): number {
  const elements = trainedGroups(groups).flatMap((group) =>
    optimizer.moments(group).map((kind) => stateLayout(kind, group).size),
  );
  return 4 * elements.reduce((sum, size) => sum + size, 0);
}
