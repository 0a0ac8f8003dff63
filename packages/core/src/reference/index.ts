export type { Comparison } from "./compare.ts";
export { type VerifyOptions, type VerifyReport, verifyModel } from "./verify-node.ts";
