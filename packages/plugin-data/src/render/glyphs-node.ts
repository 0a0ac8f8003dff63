import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import opentype, { type Font } from "opentype.js";
import { decimal } from "./svg.ts";

const file = "@fontsource/dejavu-sans/files/dejavu-sans-latin-700-normal.woff";

let font: Font | undefined;

function loadFont(): Font {
  if (font) return font;
  const bytes = readFileSync(createRequire(import.meta.url).resolve(file));
  font = opentype.parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer);
  return font;
}

/** Space between letters, in shares of the font size: small pictures run tight letters together. */
const spacing = 0.06;

/**
 * A word as glyph outlines, as large as a box allows, in its middle.
 *
 * Letters are laid one after the other: our words need no shaping, and opentype.js does not know all of this font's rules.
 */
export function wordSvg(
  text: string,
  fill: string,
  box: { x: number; y: number; width: number; height: number },
): string {
  const { unitsPerEm, charToGlyph } = bound(loadFont());
  const em = 100;
  let pen = 0;
  const letters = [...text].map((letter) => {
    const glyph = charToGlyph(letter);
    const path = glyph.getPath(pen, 0, em);
    pen += (glyph.advanceWidth / unitsPerEm + spacing) * em;
    return path;
  });
  const boxes = letters.map((path) => path.getBoundingBox());
  const [left, right] = [Math.min(...boxes.map(({ x1 }) => x1)), Math.max(...boxes.map(({ x2 }) => x2))];
  const [top, bottom] = [Math.min(...boxes.map(({ y1 }) => y1)), Math.max(...boxes.map(({ y2 }) => y2))];
  const scale = Math.min(box.width / (right - left), box.height / (bottom - top));
  const x = box.x + box.width / 2 - (scale * (left + right)) / 2;
  const y = box.y + box.height / 2 - (scale * (top + bottom)) / 2;
  const outline = letters.map((path) => path.toPathData(2)).join("");
  return `<path transform="translate(${decimal(x)} ${decimal(y)}) scale(${scale.toFixed(4)})" d="${outline}" fill="${fill}"/>`;
}

function bound(font: Font) {
  return { unitsPerEm: font.unitsPerEm, charToGlyph: (letter: string) => font.charToGlyph(letter) };
}
