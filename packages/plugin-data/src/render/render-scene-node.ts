import { FusionError } from "@fusion-vlm/core";
import sharp from "sharp";
import { colours } from "../grammar/index.ts";
import { type Scene, type SceneWord, type Square, type Thing, wordBand } from "../scene/index.ts";
import { backgroundSvg } from "./backgrounds.ts";
import { wordSvg } from "./glyphs-node.ts";
import { iconSvg } from "./icons-node.ts";
import { shapeSvg } from "./shapes.ts";
import { canvas, decimal } from "./svg.ts";

/** Side of a picture in pixels where none is given: four tiles of the nano model, and one of them when halved. */
export const defaultSize = 128;
/** Below, words cannot be read; above, nothing is gained. */
export const sizeLimits = { min: 32, max: 2048 } as const;

/** The picture as vector art: paths and gradients only, no text elements, no fonts of the system, no references. */
export function sceneSvg({ background, groups, word }: Scene, size: number = defaultSize): string {
  const things = groups.flatMap(({ thing, squares }) => squares.map((square) => thingSvg(thing, square)));
  const text = word ? placeWord(word) : "";
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" viewBox="0 0 ${canvas} ${canvas}">${backgroundSvg(background)}${things.join("")}${text}</svg>`;
}

/**
 * Draws a scene as a PNG. The same scene and size give the same bytes wherever the version of sharp is the same.
 *
 * @param size - side in pixels, 32 to 2048
 * @throws OPTION_INVALID for another size
 */
export async function renderScene(scene: Scene, size: number = defaultSize): Promise<Uint8Array> {
  checkSize(size);
  return sharp(Buffer.from(sceneSvg(scene, size)))
    .removeAlpha()
    .toColourspace("srgb")
    .png({ compressionLevel: 6, adaptiveFiltering: false, palette: false })
    .toBuffer();
}

export function checkSize(size: number): void {
  if (Number.isInteger(size) && size >= sizeLimits.min && size <= sizeLimits.max) return;
  throw new FusionError({
    code: "OPTION_INVALID",
    at: "size",
    expected: `a whole number from ${sizeLimits.min} to ${sizeLimits.max}`,
    actual: String(size),
    hint: "Give the side of the pictures in pixels.",
  });
}

function thingSvg(thing: Thing, { x, y, side }: Square): string {
  const body =
    "colour" in thing ? shapeSvg(thing.name, colours[thing.colour][thing.tint]!) : iconSvg(thing.name, thing.flipped);
  const scale = decimal((side * canvas) / 2);
  return `<g transform="translate(${decimal(x * canvas)} ${decimal(y * canvas)}) scale(${scale})">${body}</g>`;
}

function placeWord({ text, colour, tint, position }: SceneWord): string {
  const height = (position === "middle" ? 0.4 : wordBand) * canvas;
  const top = { top: 0, middle: (canvas - height) / 2, bottom: canvas - height }[position];
  const margin = { x: 5, y: 5.5 };
  const box = { x: margin.x, y: top + margin.y, width: canvas - 2 * margin.x, height: height - 2 * margin.y };
  return wordSvg(text, colours[colour][tint]!, box);
}
