import type { Value } from "../graph/index.ts";
import type { OpBuilder } from "../ops/index.ts";
import type { SemanticMappingLoss } from "./semantic-mapping-loss.ts";

/** L = L_CE + λ (L_v2t + L_t2v), Eq. (15); all scalars. */
export function dualSupervisedLoss(
  op: OpBuilder,
  answer: Value,
  mapping: SemanticMappingLoss,
  mappingWeight: number,
): Value {
  return op.scope("dual_supervised_loss", () =>
    op.Add(answer, op.Mul(op.Add(mapping.visionToText, mapping.textToVision), mappingWeight)),
  );
}
