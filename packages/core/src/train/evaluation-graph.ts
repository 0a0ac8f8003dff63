import { type FusionConfig, fusionLoss } from "../fusion/index.ts";
import { type Graph, prune } from "../graph/index.ts";
import { FlatParameterBuilder } from "./flat-parameter-builder.ts";
import { outputLosses } from "./gradient-graph.ts";
import type { Lora } from "./lora.ts";
import type { ParameterGroup } from "./parameter-groups.ts";

/**
 * The forward pass alone over a part of a batch, on the parameters of a training.
 *
 * Inputs as of `gradientGraph`, without gradients. Outputs: its losses, and `answer_hits` [M], 1 for each answer token that has
 * the largest logit: one that greedy decoding would choose behind the tokens before it.
 */
export function evaluationGraph(
  config: FusionConfig,
  groups: readonly ParameterGroup[],
  { latents, lora }: { latents: number; lora?: Lora },
): Graph {
  const op = new FlatParameterBuilder("fusion.evaluation", groups, lora);
  const losses = fusionLoss(op, config, latents, true);
  outputLosses(op, losses);
  const { logits, ids } = losses.answer;
  const picked = op.GatherElements(logits, op.Reshape(ids, ["M", 1]), 1);
  op.output("answer_hits", op.Cast(op.Reshape(op.GreaterOrEqual(picked, op.ReduceMax(logits, [1])), ["M"]), "float32"));
  return prune(op.build());
}
