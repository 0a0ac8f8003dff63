/** The encodings that are decoded. Everything else is refused before a decoder sees a byte. */
export type ImageFormat = "JPEG" | "PNG" | "WebP" | "GIF" | "AVIF";

const asText = (bytes: Uint8Array, start: number, end: number) =>
  String.fromCharCode(...bytes.subarray(start, Math.min(end, bytes.length)));

/** The encoding that the first bytes announce; undefined when it is none of the supported ones. */
export function sniffImageFormat(bytes: Uint8Array): ImageFormat | undefined {
  const head = asText(bytes, 0, 16);
  if (head.startsWith("\xff\xd8\xff")) return "JPEG";
  if (head.startsWith("\x89PNG\r\n\x1a\n")) return "PNG";
  if (head.startsWith("RIFF") && head.slice(8, 12) === "WEBP") return "WebP";
  if (head.startsWith("GIF87a") || head.startsWith("GIF89a")) return "GIF";
  if (brands(bytes).some((brand) => brand === "avif" || brand === "avis")) return "AVIF";
  return undefined;
}

const textKinds: readonly string[] = ["an HTML page", "a Git LFS pointer file", "a text file"];

/** In words, what bytes that are no supported picture look like: for error messages only. */
export function describeUnsupported(bytes: Uint8Array): string {
  const head = asText(bytes, 0, 16);
  const signature = signatures.find(([prefix]) => head.startsWith(prefix));
  if (signature) return signature[1];
  if (head.startsWith("RIFF")) return `a RIFF file of type ${JSON.stringify(head.slice(8, 12))}`;
  const [brand] = brands(bytes);
  if (brand) return heifBrands.has(brand) ? "a HEIC picture" : `a video or other ISO media file (${brand.trim()})`;
  const text = asText(bytes, 0, 1024);
  if (/<svg[\s>]/i.test(text)) return "an SVG drawing";
  if (/^\s*(<!doctype html|<html)/i.test(text)) return "an HTML page";
  if (text.startsWith("version https://git-lfs")) return "a Git LFS pointer file";
  if (!/[^\t\n\r\x20-\x7e]/.test(text)) return "a text file";
  const start = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `an unknown file type (it starts with ${start})`;
}

/** True for a description of text, which cannot be converted to a picture. */
export function isText(description: string): boolean {
  return textKinds.includes(description);
}

/** Major and compatible brands of an ISO media file (HEIF, MP4 …); empty for anything else. */
function brands(bytes: Uint8Array): string[] {
  if (asText(bytes, 4, 8) !== "ftyp") return [];
  const end = Math.min((bytes[2]! << 8) | bytes[3]!, bytes.length);
  const found = [asText(bytes, 8, 12)];
  for (let position = 16; position + 4 <= end; position += 4) found.push(asText(bytes, position, position + 4));
  return found;
}

const heifBrands = new Set(["heic", "heix", "hevc", "heim", "heis", "mif1", "msf1"]);

const signatures: readonly (readonly [string, string])[] = [
  ["II*\0", "a TIFF picture"],
  ["MM\0*", "a TIFF picture"],
  ["II+\0", "a BigTIFF picture"],
  ["MM\0+", "a BigTIFF picture"],
  ["%PDF", "a PDF document"],
  ["%!PS", "a PostScript document"],
  ["BM", "a BMP picture"],
  ["\0\0\x01\0", "an ICO icon"],
  ["8BPS", "a Photoshop document"],
  ["\xff\x0a", "a JPEG XL picture"],
  ["\0\0\0\x0cJXL ", "a JPEG XL picture"],
  ["\0\0\0\x0cjP  ", "a JPEG 2000 picture"],
  ["\xff\x4f\xff\x51", "a JPEG 2000 picture"],
  ["\x1f\x8b", "a gzip file"],
  ["PK\x03\x04", "a ZIP file"],
  ["#?RADIANCE", "a Radiance HDR picture"],
  ["v/1\x01", "an OpenEXR picture"],
];
