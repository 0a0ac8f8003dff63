/**
 * CMYK ink amounts as RGB, the naive way of Pillow's `convert("RGB")`: R = (255 − K) · (255 − C) / 255, rounded.
 *
 * @param inks - [pixels, 4], 255 = full ink
 * @returns [pixels, 3]
 * @see Pillow: src/libImaging/Convert.c, cmyk2rgb
 */
export function cmykToRgb(inks: Uint8Array): Uint8Array {
  const pixels = inks.length / 4;
  const out = new Uint8Array(pixels * 3);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const light = 255 - inks[pixel * 4 + 3]!;
    for (let channel = 0; channel < 3; channel++) {
      out[pixel * 3 + channel] = light - multiply255(inks[pixel * 4 + channel]!, light);
    }
  }
  return out;
}

/** a · b / 255 rounded, without a division. */
function multiply255(a: number, b: number): number {
  const product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}
