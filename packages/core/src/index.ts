// Errors
export { type ErrorCode, FusionError, type FusionErrorOptions, internalError } from "./errors/index.ts";

// Tensors
export * from "./tensor/index.ts";

// Engines
export { type EngineProbe, type EngineReport, probeEngines } from "./backends/index-node.ts";
