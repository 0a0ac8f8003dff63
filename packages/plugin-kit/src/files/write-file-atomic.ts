import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeFolders } from "@fusion-vlm/core";
import { writeError } from "./write-error.ts";

/**
 * Writes a whole file, or leaves what stood under its name: a hidden temporary file beside it is filled, flushed and renamed.
 *
 * Its folder is made when it does not exist, unless `makeFolder` is false.
 *
 * @throws WRITE_FAILED when the disk refuses
 */
export async function writeFileAtomic(
  path: string,
  contents: string | Uint8Array,
  { makeFolder = true }: { readonly makeFolder?: boolean } = {},
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    if (makeFolder) await makeFolders(dirname(path));
    const handle = await open(temporary, "wx");
    try {
      await handle.writeFile(contents);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    // A failed clean-up must not hide why the write failed.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeError(path, cause, { expected: "a file that can be written" });
  }
}
