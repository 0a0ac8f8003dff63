import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ModelInfo } from "@fusion-vlm/core";

/**
 * Tells whether a model is the one of an earlier run: SHA-256 (hex) over name, size and time of change of its folder's files.
 *
 * Contents are not read, which takes minutes for large models; a copied folder counts as another model. A preset made at random
 * is its name.
 */
export async function modelFingerprint({ source }: ModelInfo): Promise<string> {
  const hash = createHash("sha256");
  const isFolder = (await stat(source).catch(() => undefined))?.isDirectory() ?? false;
  if (!isFolder) return hash.update(source).digest("hex");
  for (const name of (await readdir(source)).sort()) {
    const { size, mtimeMs } = await stat(join(source, name));
    hash.update(JSON.stringify([name, size, mtimeMs]));
  }
  return hash.digest("hex");
}
