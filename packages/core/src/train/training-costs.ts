import type { FusionConfig } from "../fusion/index.ts";
import { graphCost, graphMemory } from "../ops/index.ts";
import { sizeOf } from "../tensor/index.ts";
import { type BatchPass, passGraph } from "./batch-programs.ts";
import type { BatchSizes } from "./gradient-graph.ts";
import { nameMatcher } from "./name-pattern.ts";
import { optimizerStateBytes } from "./optimizer.ts";
import { trainedGroups } from "./parameter-groups.ts";
import { partPatterns, type TrainedPart } from "./part-patterns.ts";
import type { TrainingOptions } from "./training-options.ts";
import { trainingSetup } from "./training-setup.ts";
import { gradientNormGraph } from "./update-parts.ts";

/** Batches of one number of latents that go through one program. */
export interface PlannedPass {
  readonly pass: BatchPass;
  /** Q */
  readonly latents: number;
  /** Every shape that occurs. */
  readonly sizes: readonly BatchSizes[];
}

export interface PassCosts extends PlannedPass {
  /** Nodes of its graph: what compiling it takes grows with them. */
  readonly nodes: number;
  /** Multiplications and additions of matrix products for each of `sizes`. */
  readonly flops: readonly number[];
  /** Bytes of intermediate values for each of `sizes`; the program holds those of the largest. */
  readonly activations: readonly number[];
}

export interface ParameterCounts {
  readonly all: number;
  readonly trained: number;
  /** Of the model; the adapters of LoRA are in none. */
  readonly parts: Readonly<Record<TrainedPart, number>>;
  readonly adapters: number;
}

/** Arithmetic and memory of a training, counted from the graphs that it runs. Bytes are those of float32 states. */
export interface TrainingCosts {
  readonly parameters: ParameterCounts;
  readonly parameterBytes: number;
  readonly gradientBytes: number;
  readonly momentBytes: number;
  /** What the update holds while it runs, its results included. */
  readonly updateBytes: number;
  readonly passes: readonly PassCosts[];
}

/**
 * Counts without running anything.
 *
 * @throws OPTION_INVALID for impossible options
 */
export function trainingCosts(
  config: FusionConfig,
  passes: readonly PlannedPass[],
  options: TrainingOptions = {},
): TrainingCosts {
  const setup = trainingSetup(config, options);
  const { groups, optimizer, lora } = setup;
  const trained = trainedGroups(groups);
  const count = (of: typeof groups) => of.reduce((sum, { size }) => sum + size, 0);
  const named = new Map(groups.flatMap(({ parameters }) => parameters.map(({ name, size }) => [name, size] as const)));
  const sum = (names: Iterable<string>) => [...names].reduce((total, name) => total + named.get(name)!, 0);
  const own = [...named.keys()].filter((name) => !lora?.parameters.has(name));
  const parts = Object.entries(partPatterns).map(([part, pattern]) => [part, sum(own.filter(nameMatcher(pattern)))]);
  const updates = [gradientNormGraph(groups), optimizer.graph(groups)].map((graph) => graphMemory(graph, {}).peak);
  return {
    parameters: {
      all: sum(own),
      trained: count(trained),
      parts: Object.fromEntries(parts),
      adapters: [...(lora?.parameters.values() ?? [])].reduce((total, shape) => total + sizeOf(shape), 0),
    },
    parameterBytes: 4 * count(groups),
    gradientBytes: 4 * count(trained),
    momentBytes: optimizerStateBytes(groups, optimizer),
    updateBytes: updates.reduce((total, bytes) => total + bytes, 0),
    passes: passes.map((planned) => {
      const graph = passGraph(config, groups, { ...setup, pass: planned.pass, latents: planned.latents });
      return {
        ...planned,
        nodes: graph.nodes.length,
        flops: planned.sizes.map((sizes) => graphCost(graph, sizes).flops),
        activations: planned.sizes.map((sizes) => graphMemory(graph, sizes).peak),
      };
    }),
  };
}
