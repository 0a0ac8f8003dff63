import type { Value } from "../graph/index.ts";
import type { OpBuilder } from "../ops/index.ts";

/**
 * F = concat(h_final, mean(h_0 … h_{H−1}), mean(h_H … h_{2H−1})) along channels, Eq. (4)–(7).
 *
 * h_i is the state that enters layer i; where the final state is not among the 2H averaged ones it stands alone
 * (SigLIP2: h_39, while h_38 is in neither mean); for CLIP h_23 is both final and the last of the late mean.
 *
 * @param hidden - h_0 … h_final, each [B, T, E]
 * @returns [B, T, 3E]
 */
export function hierarchicalFeatures(op: OpBuilder, hidden: readonly Value[], half: number): Value {
  return op.scope("hierarchical_features", () => {
    const early = mean(op, hidden.slice(0, half)); // (4)
    const late = mean(op, hidden.slice(half, 2 * half)); // (5)
    return op.Concat([hidden.at(-1)!, early, late], -1); // (6)(7)
  });
}

/** Mean of states that are all there. */
export function mean(op: OpBuilder, values: readonly Value[]): Value {
  return op.Mul(
    values.reduce((sum, value) => op.Add(sum, value)),
    1 / values.length,
  );
}
