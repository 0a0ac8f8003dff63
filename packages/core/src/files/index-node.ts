export { makeFolders } from "./make-folders-node.ts";
export { type FileProblem, readFileWithin, readJsonFile } from "./read-file-node.ts";
export { workerFile } from "./worker-file-node.ts";
