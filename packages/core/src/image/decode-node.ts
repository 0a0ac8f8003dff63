import sharp, { type Metadata, type Sharp, type SharpOptions } from "sharp";
import { FusionError } from "../errors/index.ts";
import { cmykToRgb } from "./cmyk.ts";
import { withoutGifTransparency } from "./gif-transparency.ts";
import { imageTooLarge, invalidImage } from "./image-error.ts";
import { describeUnsupported, type ImageFormat, isText, sniffImageFormat } from "./image-format.ts";
import { readImageBytes } from "./read-image-bytes-node.ts";
import { type RgbImage, rgbImage } from "./rgb-image.ts";

export interface DecodeOptions {
  /** Turn the picture as its EXIF orientation says. Default false: the model was trained without. AVIF is always turned. */
  readonly autoOrient?: boolean;
  /** Most pixels that are decoded, checked in the header before. Default 100 million (300 MB decoded). */
  readonly maxPixels?: number;
  /** Longest side that is decoded. Default 65 535, the most that JPEG can hold; resizing a longer one would take many seconds. */
  readonly maxSide?: number;
  /** Most encoded bytes that are read. Default 100 MiB. */
  readonly maxBytes?: number;
}

const defaultMaxPixels = 100_000_000;

const sharpNames: Record<ImageFormat, string> = { JPEG: "jpeg", PNG: "png", WebP: "webp", GIF: "gif", AVIF: "heif" };

/**
 * Decodes a picture file, or its bytes, to the RGB values that Pillow's `convert("RGB")` gives (docs/images.md lists the exceptions).
 *
 * JPEG, PNG, WebP, GIF and AVIF, first frame. Alpha is dropped, not blended; palettes are expanded; grey is repeated;
 * CMYK is converted naively; of 16 bits the high byte is kept; colour profiles and gamma are ignored.
 * The type is decided by the first bytes, never by the file name, before any decoder runs.
 *
 * @throws IMAGE_NOT_FOUND when there is no such file
 * @throws IMAGE_TOO_LARGE past `maxPixels`, `maxSide` or `maxBytes`
 * @throws IMAGE_INVALID for every other type, and for empty, truncated or corrupt data
 */
export async function decodeImage(source: string | Uint8Array, options: DecodeOptions = {}): Promise<RgbImage> {
  const { at, format, encoded, isCmyk } = await openPicture(source, options);
  const { autoOrient = false, maxPixels = defaultMaxPixels } = options;
  const pipeline = rawPipeline(encoded, isCmyk, { autoOrient, limitInputPixels: maxPixels });
  const { data, info } = await guarded(at, format, () => pipeline.raw().toBuffer({ resolveWithObject: true }));
  const pixels = new Uint8Array(data.buffer, data.byteOffset, data.length);
  return rgbImage(info.width, info.height, isCmyk ? cmykToRgb(pixels) : pixels);
}

/** What a picture's header says. */
export interface ImageFacts {
  readonly format: ImageFormat;
  /** In pixels, before EXIF orientation. */
  readonly width: number;
  readonly height: number;
}

/**
 * Reads a picture's header and decodes nothing: a cheap check before long work.
 *
 * @throws what decodeImage throws, except for damage behind the header
 */
export async function probeImage(source: string | Uint8Array, options: DecodeOptions = {}): Promise<ImageFacts> {
  const { format, width, height } = await openPicture(source, options);
  return { format, width, height };
}

/** A picture whose type and size have been found acceptable. */
interface OpenPicture extends ImageFacts {
  readonly at: string;
  readonly encoded: Uint8Array;
  readonly isCmyk: boolean;
}

const textHint = "This is text, perhaps an error page or a Git LFS pointer: download the picture again.";

async function openPicture(source: string | Uint8Array, options: DecodeOptions): Promise<OpenPicture> {
  const { maxPixels = defaultMaxPixels, maxSide = 65_535, maxBytes = 100 * 2 ** 20 } = options;
  assertLimit("maxPixels", maxPixels);
  assertLimit("maxSide", maxSide);
  assertLimit("maxBytes", maxBytes);
  const { at, bytes } = await readImageBytes(source, maxBytes);
  const format = sniffImageFormat(bytes);
  if (!format) {
    const actual = describeUnsupported(bytes);
    throw invalidImage({ at, actual, hint: isText(actual) ? textHint : "Convert it to PNG or JPEG first." });
  }
  const encoded = format === "GIF" ? withoutGifTransparency(bytes) : bytes;

  const metadata = await guarded(at, format, () => sharp(encoded, { limitInputPixels: false }).metadata());
  assertExpectedDecoder(at, format, metadata);
  assertSize(at, metadata, maxPixels, maxSide);
  const { width, height, space } = metadata;
  return { at, format, width, height, encoded, isCmyk: space === "cmyk" };
}

/** The pipeline that neither blends alpha nor manages colour: three bands, or four of CMYK ink. */
function rawPipeline(encoded: Uint8Array, isCmyk: boolean, options: SharpOptions): Sharp {
  // "error" refuses truncated data, as Pillow does, and accepts the decoder warnings that Pillow accepts.
  const pipeline = sharp(encoded, { ...options, ignoreIcc: true, failOn: "error" });
  // Left to itself, sharp would convert inks through a press profile; Pillow does not.
  if (isCmyk) return pipeline.pipelineColourspace("cmyk").toColourspace("cmyk");
  return pipeline.removeAlpha().toColourspace("srgb");
}

/** The decoder that recognised the bytes must be the one that their first bytes promised. */
function assertExpectedDecoder(at: string, format: ImageFormat, { format: name, compression }: Metadata): void {
  if (name === sharpNames[format] && (format !== "AVIF" || compression === "av1")) return;
  throw invalidImage({
    at,
    expected: `${format} data, as its first bytes say`,
    actual: compression ?? name,
    hint: "Convert it to PNG or JPEG first.",
  });
}

function assertSize(at: string, { width, height }: Metadata, maxPixels: number, maxSide: number): void {
  if (Math.max(width, height) > maxSide) {
    throw imageTooLarge(at, `sides of at most ${maxSide} pixels`, `${width}×${height}`);
  }
  if (width * height > maxPixels) {
    throw imageTooLarge(at, `at most ${maxPixels} pixels`, `${width}×${height} = ${width * height}`);
  }
}

/** Runs a decoder call; its failure becomes one readable error. */
async function guarded<T>(at: string, format: ImageFormat, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const reason = decoderReason(error);
    throw invalidImage({
      at,
      expected: `a complete ${format} picture`,
      actual: `truncated or corrupt data${reason && ` (${reason})`}`,
      hint: "Check that the picture opens elsewhere and was downloaded completely.",
      cause: error,
    });
  }
}

/** The last line of the decoder's own words, without the names of its internals. */
function decoderReason(error: unknown): string {
  const lines = (error instanceof Error ? error.message : String(error)).split("\n");
  const last = lines.map((line) => line.trim()).findLast((line) => /[a-z]{3}/i.test(line)) ?? "";
  return last.replace(/^Input buffer (has corrupt header: )?/, "").replace(/^\w+: /, "");
}

function assertLimit(at: string, value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return;
  throw new FusionError({
    code: "OPTION_INVALID",
    at,
    expected: "a positive whole number",
    actual: `${value}`,
    hint: `Leave ${at} out for the default.`,
  });
}
