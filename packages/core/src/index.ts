// Errors

// Engines
export { type EngineProbe, type EngineReport, probeEngines } from "./backends/probe-node.ts";
export { type ErrorCode, FusionError, type FusionErrorOptions, internalError } from "./errors/index.ts";
// Tensors
export * from "./tensor/index.ts";
