import type { DifferentiableOperatorName } from "../../ops/index.ts";
import type { RuleOf } from "../rule.ts";
import { mathRules } from "./math.ts";
import { matrixRules } from "./matrix.ts";
import { movementRules } from "./movement.ts";
import { reduceRules } from "./reduce.ts";

/** The gradient of every differentiable operator; leaving one out does not compile. */
export const gradientRules: { readonly [Name in DifferentiableOperatorName]: RuleOf<Name> } = {
  ...mathRules,
  ...matrixRules,
  ...movementRules,
  ...reduceRules,
};
