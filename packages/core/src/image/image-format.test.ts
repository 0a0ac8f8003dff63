import { describe, expect, it } from "vitest";
import { describeUnsupported, sniffImageFormat } from "./image-format.ts";

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const isoMedia = (...brands: string[]) =>
  bytes(
    `\0\0\0${String.fromCharCode(16 + 4 * (brands.length - 1))}ftyp${brands[0]}\0\0\0\0${brands.slice(1).join("")}`,
  );

describe("sniffImageFormat", () => {
  it.each([
    ["JPEG", bytes("\xff\xd8\xff\xe0\0\x10JFIF")],
    ["PNG", bytes("\x89PNG\r\n\x1a\n\0\0\0\rIHDR")],
    ["WebP", bytes("RIFF\x24\0\0\0WEBPVP8 ")],
    ["GIF", bytes("GIF87a")],
    ["GIF", bytes("GIF89a")],
    ["AVIF", isoMedia("avif", "mif1")],
    ["AVIF", isoMedia("mif1", "heic", "avif")],
  ])("recognises %s", (format, start) => {
    expect(sniffImageFormat(start)).toBe(format);
  });

  it.each([
    ["an SVG drawing", bytes('<?xml version="1.0"?>\n<!-- x -->\n<svg width="1">')],
    ["an SVG drawing", bytes("\xef\xbb\xbf<svg>")],
    ["a TIFF picture", bytes("II*\0\x08\0\0\0")],
    ["a TIFF picture", bytes("MM\0*\0\0\0\x08")],
    ["a PDF document", bytes("%PDF-1.7")],
    ["a BMP picture", bytes("BM\x46\0\0\0")],
    ["a HEIC picture", isoMedia("heic", "mif1")],
    ["a video or other ISO media file (isom)", isoMedia("isom", "mp41")],
    ['a RIFF file of type "WAVE"', bytes("RIFF\x24\0\0\0WAVE")],
    ["an HTML page", bytes("<!DOCTYPE html><html>")],
    ["a Git LFS pointer file", bytes("version https://git-lfs.github.com/spec/v1\n")],
    ["a text file", bytes("hello")],
    ["an unknown file type (it starts with 00 01 02 03)", Uint8Array.of(0, 1, 2, 3, 4)],
    ["an unknown file type (it starts with ff)", Uint8Array.of(0xff)],
  ])("leaves %s alone and says what it is", (description, start) => {
    expect(sniffImageFormat(start)).toBeUndefined();
    expect(describeUnsupported(start)).toBe(description);
  });
});
