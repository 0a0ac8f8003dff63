export { backwardPass, type GradientRules, type GradientsOptions, gradients } from "./backward.ts";
export { recompute, type Segment } from "./recompute.ts";
export { type Application, type GradientRule, type RuleOf, rule } from "./rule.ts";
export { gradientRules } from "./rules/index.ts";
export { unbroadcast, zerosLike } from "./unbroadcast.ts";
