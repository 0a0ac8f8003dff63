/**
 * The same GIF with the transparency flag of its first frame cleared.
 *
 * Decoders give transparent pixels as (0, 0, 0, 0) and so lose the palette colour that dropping the alpha channel must show.
 * Returns the argument itself where there is nothing to clear.
 */
export function withoutGifTransparency(bytes: Uint8Array): Uint8Array {
  const hasGlobalPalette = (bytes[10]! & 0x80) !== 0;
  let position = 13 + (hasGlobalPalette ? 3 << ((bytes[10]! & 7) + 1) : 0);
  let cleared: Uint8Array | undefined;

  // Extension blocks (0x21) stand in front of the first frame; anything else ends the search.
  while (bytes[position] === 0x21) {
    const isGraphicControl = bytes[position + 1] === 0xf9 && bytes[position + 2] === 4;
    if (isGraphicControl && bytes[position + 3]! & 1) {
      cleared ??= Uint8Array.from(bytes);
      cleared[position + 3]! &= ~1;
    }
    position += 2;
    while (bytes[position]) position += bytes[position]! + 1;
    position++;
  }
  return cleared ?? bytes;
}
