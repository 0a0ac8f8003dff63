export { maxRelativeError } from "./max-relative-error.ts";
export { randomParameters } from "./random-parameters.ts";
export { compileInMemory, type Parameters, runGraph } from "./run-graph.ts";
export { type TinyModelOptions, tinyConfig, tinyModelFiles } from "./tiny-config.ts";
