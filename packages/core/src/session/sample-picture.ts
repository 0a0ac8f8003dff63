import { type RgbImage, rgbImage } from "../image/index.ts";

/** A picture that is there without a file: shapes before a sky that fades, 256 × 256. */
export function samplePicture(): RgbImage {
  const side = 256;
  const data = new Uint8Array(side * side * 3);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) data.set(colourAt(x, y, side), (y * side + x) * 3);
  }
  return rgbImage(side, side, data);
}

function colourAt(x: number, y: number, side: number): readonly [number, number, number] {
  const isIn = (left: number, top: number, radius: number) => (x - left) ** 2 + (y - top) ** 2 < radius ** 2;
  if (isIn(200, 48, 28)) return [246, 196, 69]; // sun
  if (y > 70 && y < 130 && Math.abs(x - 80) < (y - 70) * 0.9) return [181, 69, 44]; // roof
  if (y >= 130 && y < 200 && Math.abs(x - 80) < 44) return [243, 230, 208]; // house
  if (isIn(176, 190, 24)) return [214, 40, 57]; // ball
  return y > 180 ? [143, 185, 122] : [190 + Math.round((40 * y) / side), 225, 247];
}
