import { gradients } from "../autodiff/index.ts";
import { internalError } from "../errors/index.ts";
import { type FusionConfig, fusionLoss } from "../fusion/index.ts";
import { formatShape, type Graph, sameShape, type Value } from "../graph/index.ts";
import { OpBuilder } from "../ops/index.ts";
import { type ParameterGroup, stateNames } from "./parameter-groups.ts";

/** Sizes of the dimensions that a batch is padded to: B, I, M, R, S, T. */
export type BatchSizes = Readonly<Record<"B" | "I" | "M" | "R" | "S" | "T", number>>;

/**
 * One forward and backward pass over a part of a batch, its gradient added to what was collected before.
 *
 * Inputs: the flat parameters and collected gradient of each group, `keep` (0 for the first part of a batch, else 1), and
 * the batch. Outputs: the new gradient of each group, and the losses `loss`, `loss_answer`, `loss_v2t`, `loss_t2v`.
 *
 * @param sizes - fixed sizes of the batch; named dimensions stay symbolic when absent
 */
export function gradientGraph(
  config: FusionConfig,
  latents: number,
  groups: readonly ParameterGroup[],
  sizes?: BatchSizes,
): Graph {
  const op = new FlatParameterBuilder("fusion.gradient", groups, sizes);
  const keep = op.input("keep", "float32", []);
  const { total, answer, mapping } = fusionLoss(op, config, latents, true);
  const flat = groups.map((group) => op.flat(group));
  gradients(op, total, flat).forEach((gradient, index) => {
    const name = stateNames.gradient(groups[index]!);
    const collected = op.input(name, "float32", gradient.shape);
    const kept = op.Where(op.Greater(keep, 0), collected, 0); // 0·collected would keep a NaN for ever
    op.output(`${name}.next`, op.Add(kept, gradient));
  });
  op.output("loss", total);
  op.output("loss_answer", answer);
  op.output("loss_v2t", mapping.visionToText);
  op.output("loss_t2v", mapping.textToVision);
  return op.build();
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
