import { FusionError } from "../errors/index.ts";
import { type FileProblem, readFileWithin } from "../files/index-node.ts";
import { imageTooLarge, invalidImage, shownSource, supportedFormats } from "./image-error.ts";

/** Encoded bytes of a picture, and the name under which errors speak of them. */
export interface ImageBytes {
  readonly at: string;
  readonly bytes: Uint8Array;
}

/**
 * Reads a picture's file, or takes bytes as they are, never more than `maxBytes`.
 *
 * @throws IMAGE_NOT_FOUND when there is no such file
 * @throws IMAGE_TOO_LARGE past `maxBytes`
 * @throws IMAGE_INVALID for a directory, a device, an unreadable or an empty file
 */
export async function readImageBytes(source: string | Uint8Array, maxBytes: number): Promise<ImageBytes> {
  if (typeof source !== "string" && !(source instanceof Uint8Array)) {
    throw invalidImage({
      at: "image",
      expected: "a file path or the bytes of a picture",
      actual: source === null ? "null" : typeof source,
      hint: "Pass a path, a Buffer or a Uint8Array.",
    });
  }
  const at = typeof source === "string" ? shownSource(source) : "image bytes";
  const bytes =
    typeof source === "string"
      ? await readFileWithin(source, maxBytes, (problem) => refused(source, at, problem))
      : source;
  assertByteCount(at, bytes.length, maxBytes);
  if (bytes.length === 0) {
    throw invalidImage({
      at,
      actual: typeof source === "string" ? "an empty file" : "no bytes",
      hint: "Check that the picture was written or downloaded completely.",
    });
  }
  return { at, bytes };
}

function refused(path: string, at: string, { kind, expected, actual, cause }: FileProblem): FusionError {
  if (kind === "too large") return imageTooLarge(at, expected, actual);
  if (kind === "not a file") return invalidImage({ at, actual, hint: "Pass the path of one picture file." });
  const isMissing = kind === "missing";
  const isUrl = /^[a-z][a-z0-9+.-]*:/i.test(path) && !/^[a-z]:[\\/]/i.test(path);
  return new FusionError({
    code: isMissing ? "IMAGE_NOT_FOUND" : "IMAGE_INVALID",
    at,
    expected: isMissing ? supportedFormats : expected,
    actual: isMissing ? "no such file" : actual,
    hint: isUrl
      ? "URLs are not fetched: download the picture and pass its path or its bytes."
      : "Check the path and its permissions.",
    cause,
  });
}

function assertByteCount(at: string, count: number, maxBytes: number): void {
  if (count > maxBytes) throw imageTooLarge(at, `at most ${maxBytes} bytes`, `${count} bytes`);
}
