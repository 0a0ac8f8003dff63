export { type DecodeOptions, decodeImage, type ImageFacts, probeImage } from "./decode-node.ts";
export { inlinePreparer, type PicturePreparer, picturePreparer } from "./picture-preparer-node.ts";
export { type PreparedImage, type PrepareOptions, prepareImage } from "./prepare-image-node.ts";
