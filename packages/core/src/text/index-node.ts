export * from "./index.ts";
export { loadTokenizer } from "./tokenizer-node.ts";
