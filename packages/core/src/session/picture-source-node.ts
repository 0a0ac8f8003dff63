import { fileURLToPath } from "node:url";
import { types } from "node:util";
import { FusionError, shownValue } from "../errors/index.ts";
import type { ImageSource } from "./options.ts";

/**
 * What a caller calls a picture, as path or bytes.
 *
 * @throws IMAGE_INVALID for anything else; its hint says how to make one of a Blob or a URL
 */
export function pictureSource(source: ImageSource): string | Uint8Array {
  if (typeof source === "string" || source instanceof Uint8Array) return source;
  if (types.isAnyArrayBuffer(source)) return new Uint8Array(source);
  const value: unknown = source;
  if (value instanceof URL) return filePath(value);
  throw invalidSource(shownValue(value), conversion(value));
}

function filePath(url: URL): string {
  if (url.protocol !== "file:") {
    const hint = "URLs are not fetched: pass new Uint8Array(await (await fetch(url)).arrayBuffer()).";
    throw invalidSource(`a URL with ${url.protocol}`, hint);
  }
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw invalidSource(String(cause instanceof Error ? cause.message : cause), "Pass the path instead.", cause);
  }
}

function conversion(value: unknown): string {
  if (value instanceof Blob) return "Pass new Uint8Array(await blob.arrayBuffer()).";
  if (value instanceof Response || value instanceof Request)
    return "Pass new Uint8Array(await response.arrayBuffer()).";
  if (ArrayBuffer.isView(value)) return "Pass new Uint8Array(view.buffer, view.byteOffset, view.byteLength).";
  return "Pass a path, a Buffer or a Uint8Array; leave image out for a question without a picture.";
}

function invalidSource(actual: string, hint: string, cause?: unknown): FusionError {
  const expected = "a path, a file: URL or the bytes of a picture";
  return new FusionError({ code: "IMAGE_INVALID", at: "image", expected, actual, hint, cause });
}
