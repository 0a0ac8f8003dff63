export { describeUnsupported, type ImageFormat, sniffImageFormat } from "./image-format.ts";
export { normalizePixels, type PixelStatistics } from "./normalize.ts";
export { type ImageTensors, imageTensors } from "./prepare-image.ts";
export { resizeBicubic } from "./resize-bicubic.ts";
export { type RgbImage, rgbImage } from "./rgb-image.ts";
export { cutTiles, type ImageTiles } from "./tiles.ts";
