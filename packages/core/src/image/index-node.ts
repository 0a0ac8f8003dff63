export { type DecodeOptions, decodeImage } from "./decode-node.ts";
export { type PreparedImage, type PrepareOptions, prepareImage } from "./prepare-image-node.ts";
