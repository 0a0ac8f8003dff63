import { FusionError } from "@fusion-vlm/core";

const signatures: readonly (readonly [type: string, offset: number, bytes: string])[] = [
  ["image/png", 0, "\x89PNG\r\n\x1a\n"],
  ["image/jpeg", 0, "\xff\xd8\xff"],
  ["image/gif", 0, "GIF8"],
  ["image/webp", 8, "WEBP"],
];

/**
 * A picture file as a `data:` address.
 *
 * @param at - names the picture in the error
 * @throws IMAGE_INVALID for anything but PNG, JPEG, GIF and WebP: formats that may hold scripts stay out of pages
 */
export function pictureUri(bytes: Uint8Array, at = "picture"): string {
  const type = pictureType(bytes);
  if (type) return `data:${type};base64,${bufferOf(bytes).toString("base64")}`;
  throw new FusionError({
    code: "IMAGE_INVALID",
    at,
    expected: "the bytes of a PNG, JPEG, GIF or WebP file",
    actual: `${bytes.length} bytes of something else`,
    hint: "Convert the picture to PNG first.",
  });
}

/** Media type of a picture that pages show, by its first bytes: PNG, JPEG, GIF or WebP; undefined for anything else. */
export function pictureType(bytes: Uint8Array): string | undefined {
  const start = bufferOf(bytes).subarray(0, 16).toString("latin1");
  return signatures.find(([, offset, signature]) => start.startsWith(signature, offset))?.[0];
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
