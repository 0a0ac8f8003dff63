import { backwardPass, recompute, zerosLike } from "../autodiff/index.ts";
import { type FusionConfig, type FusionLoss, fusionLoss } from "../fusion/index.ts";
import { type Graph, prune } from "../graph/index.ts";
import { FlatParameterBuilder } from "./flat-parameter-builder.ts";
import { layerSegments } from "./layer-segments.ts";
import type { Lora } from "./lora.ts";
import { type ParameterGroup, stateNames, trainedGroups } from "./parameter-groups.ts";

/** Sizes of the dimensions that a batch is padded to: B, I, M, R, S, T. */
export type BatchSizes = Readonly<Record<"B" | "I" | "M" | "R" | "S" | "T", number>>;

export interface GradientGraphOptions {
  /** Q */
  readonly latents: number;
  /** Add to what the parts of the batch before this one gave; false for the first part. */
  readonly accumulates: boolean;
  /** Fixed sizes of the batch; named dimensions stay symbolic when absent. */
  readonly sizes?: BatchSizes;
  /** Compute the insides of layers again in the backward pass instead of keeping them; false when absent. */
  readonly checkpointing?: boolean;
  /** Adapters that the groups hold beside the weights. */
  readonly lora?: Lora;
}

/**
 * One forward and backward pass over a part of a batch.
 *
 * Inputs: the flat parameters of each group, where it accumulates also the gradient collected before, and the batch.
 * Outputs: the new gradient of each group that is trained, the losses `loss`, `loss_answer`, `loss_v2t`, `loss_t2v`, and
 * `answer_losses` [M], the cross entropy of each answer token.
 */
export function gradientGraph(
  config: FusionConfig,
  groups: readonly ParameterGroup[],
  { latents, accumulates, sizes, lora, checkpointing }: GradientGraphOptions,
): Graph {
  const op = new FlatParameterBuilder("fusion.gradient", groups, lora, sizes);
  const { total, answer, mapping } = fusionLoss(op, config, latents, true);
  const forward = op.build();
  const trained = trainedGroups(groups);
  const gradients = backwardPass(
    op,
    total,
    trained.map((group) => op.flat(group)),
  );
  for (const group of trained) {
    const gradient = gradients.get(op.flat(group)) ?? zerosLike(op, op.flat(group));
    const name = stateNames.gradient(group);
    const collected = accumulates && op.input(name, "float32", gradient.shape);
    op.output(`${name}.next`, collected ? op.Add(collected, gradient) : gradient);
  }
  outputLosses(op, { total, answer, mapping });
  if (checkpointing) return recompute(op, new Set(forward.nodes), layerSegments(config, forward.marks, gradients));
  return prune(op.build()); // a transposition that cancelled leaves the product that it was of, a frozen group its Reshape
}

/** Declares the losses of a part of a batch as outputs. */
export function outputLosses(op: FlatParameterBuilder, { total, answer, mapping }: FusionLoss): void {
  op.output("loss", total);
  op.output("loss_answer", answer.mean);
  op.output("loss_v2t", mapping.visionToText);
  op.output("loss_t2v", mapping.textToVision);
  op.output("answer_losses", answer.perToken);
}
