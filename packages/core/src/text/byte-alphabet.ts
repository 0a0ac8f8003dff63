/**
 * The character that stands for each byte in a byte-level vocabulary: itself where it is visible, else one from U+0100 on.
 *
 * GPT-2's `bytes_to_unicode`; `byteAlphabet[b]` is the character of byte b.
 */
export const byteAlphabet: readonly string[] = makeAlphabet();

function makeAlphabet(): string[] {
  const isVisible = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isVisible(byte) ? byte : next++));
}
