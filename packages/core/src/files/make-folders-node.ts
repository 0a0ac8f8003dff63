import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/**
 * Makes a folder and the parents that are missing; returns the first one made, undefined when there was nothing to make.
 *
 * As `mkdir` with `recursive`, which never returns where the system refuses a folder with ENOENT (Linux below /proc).
 *
 * @throws the system's error, such as EACCES, ENOSPC or ENOTDIR
 */
export async function makeFolders(path: string): Promise<string | undefined> {
  const missing: string[] = [];
  let place = resolve(path);
  while (!(await exists(place))) {
    missing.push(place);
    place = dirname(place);
  }
  let first: string | undefined;
  for (const folder of missing.reverse()) {
    try {
      await mkdir(folder);
      first ??= folder;
    } catch (error) {
      // Somebody else has made it meanwhile.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
  return first;
}

async function exists(path: string): Promise<boolean> {
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  throw Object.assign(new Error(`ENOTDIR: not a directory, mkdir '${path}'`), { code: "ENOTDIR" });
}
