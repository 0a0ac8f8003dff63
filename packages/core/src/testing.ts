// Small models
export { randomParameters, type TinyModelOptions, tinyConfig, tinyModelFiles } from "./testing/index.ts";
export { writeTinyModel } from "./testing/write-tiny-model-node.ts";

// Running and comparing
export { compileInMemory, maxRelativeError, type Parameters, runGraph } from "./testing/index.ts";

// A disk that fills up
export { SmallDisk } from "./testing/small-disk-node.ts";
