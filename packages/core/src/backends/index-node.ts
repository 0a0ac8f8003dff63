export * from "./index.ts";
export { type NodeBackendOptions, nodeBackend } from "./node-backend-node.ts";
export type { NodeDevice } from "./ort-node.ts";
