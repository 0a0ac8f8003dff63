import { FusionError, type FusionErrorOptions } from "../errors/index.ts";

export const supportedFormats = "a JPEG, PNG, WebP, GIF or AVIF picture";

const maxShownLength = 200;

/** A path short enough for one line: a picture pasted as text may be megabytes long. */
export function shownSource(source: string): string {
  return source.length > maxShownLength ? `${source.slice(0, maxShownLength)}…` : source;
}

/** IMAGE_INVALID: the bytes are there and are no picture that can be used. */
export function invalidImage(options: Omit<FusionErrorOptions, "code">): FusionError {
  return new FusionError({ code: "IMAGE_INVALID", expected: supportedFormats, ...options });
}

/** IMAGE_TOO_LARGE: a picture past a limit on pixels, sides or bytes. */
export function imageTooLarge(at: string, expected: string, actual: string): FusionError {
  return new FusionError({ code: "IMAGE_TOO_LARGE", at, expected, actual, hint: "Make the picture smaller." });
}
