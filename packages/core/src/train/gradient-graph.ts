import { gradients } from "../autodiff/index.ts";
import { internalError } from "../errors/index.ts";
import { type FusionConfig, fusionLoss } from "../fusion/index.ts";
import { formatShape, type Graph, prune, sameShape, type Value } from "../graph/index.ts";
import { OpBuilder } from "../ops/index.ts";
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
}

/**
 * One forward and backward pass over a part of a batch.
 *
 * Inputs: the flat parameters of each group, where it accumulates also the gradient collected before, and the batch.
 * Outputs: the new gradient of each group that is trained, and the losses `loss`, `loss_answer`, `loss_v2t`, `loss_t2v`.
 */
export function gradientGraph(
  config: FusionConfig,
  groups: readonly ParameterGroup[],
  { latents, accumulates, sizes }: GradientGraphOptions,
): Graph {
  const op = new FlatParameterBuilder("fusion.gradient", groups, sizes);
  const { total, answer, mapping } = fusionLoss(op, config, latents, true);
  const trained = trainedGroups(groups);
  const flat = trained.map((group) => op.flat(group));
  gradients(op, total, flat).forEach((gradient, index) => {
    const name = stateNames.gradient(trained[index]!);
    const collected = accumulates && op.input(name, "float32", gradient.shape);
    op.output(`${name}.next`, collected ? op.Add(collected, gradient) : gradient);
  });
  op.output("loss", total);
  op.output("loss_answer", answer);
  op.output("loss_v2t", mapping.visionToText);
  op.output("loss_t2v", mapping.textToVision);
  return prune(op.build()); // a transposition that cancelled leaves the product that it was of, a frozen group its Reshape
}

/** A builder whose parameters are stretches of one flat input vector per group. */
class FlatParameterBuilder extends OpBuilder {
  readonly #flat = new Map<string, Value>();
  readonly #pieces = new Map<string, Value>();

  constructor(name: string, groups: readonly ParameterGroup[], sizes?: BatchSizes) {
    super(name, sizes);
    for (const group of groups) {
      const flat = this.input(stateNames.parameters(group), "float32", [group.size]);
      this.#flat.set(group.name, flat);
      const sizes = group.parameters.map(({ size }) => size);
      const pieces = sizes.length === 1 ? [flat] : this.scope("parameters", () => this.Split(flat, sizes, 0));
      group.parameters.forEach(({ name: parameter, shape }, index) => {
        this.#pieces.set(
          parameter,
          this.scope(parameter, () => this.Reshape(pieces[index]!, shape)),
        );
      });
    }
  }

  flat(group: ParameterGroup): Value {
    return this.#flat.get(group.name)!;
  }

  override parameter(name: string, shape: readonly number[]): Value {
    const piece = this.#pieces.get(name);
    if (!piece) throw internalError(this.name, `parameter ${name} is in no group`);
    if (sameShape(piece.shape, shape)) return piece;
    throw internalError(name, `asked for as ${formatShape(shape)}, but its group has ${formatShape(piece.shape)}`);
  }
}
