export * from "./index.ts";
export { type NodeBackendOptions, nodeBackend } from "./node-backend-node.ts";
export type { NodeDevice } from "./ort-node.ts";
export { type EngineProbe, type EngineReport, probeEngines } from "./probe-node.ts";
