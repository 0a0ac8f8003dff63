import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, rmdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { makeFolders } from "@fusion-vlm/core";
import { writeError, writing } from "./write-error.ts";

/** A folder that appears complete or not at all: it is filled beside its place under another name, and renamed at the end. */
export interface OutputFolder {
  /** Where to write meanwhile. */
  readonly path: string;
  /** Puts the folder in its place. */
  commit(): Promise<void>;
  /** Removes what was written, and the parents that were made for it. */
  discard(): Promise<void>;
}

/**
 * Opens an output folder.
 *
 * @throws WRITE_FAILED when `folder` is a file, or a folder with something in it, or cannot be made
 */
export async function openOutputFolder(folder: string): Promise<OutputFolder> {
  const target = resolve(folder);
  await requireEmpty(folder, target);
  const parent = dirname(target);
  const firstMade = await writing(folder, () => makeFolders(parent));
  const path = `${target}.tmp-${randomBytes(4).toString("hex")}`;
  const discard = async () => {
    await rm(path, { recursive: true, force: true });
    if (firstMade) await removeEmpty(parent, firstMade);
  };
  try {
    await writing(path, () => mkdir(path));
  } catch (error) {
    await discard();
    throw error;
  }
  const commit = async () => {
    // Someone may have used the name meanwhile; and Windows renames onto nothing.
    await requireEmpty(folder, target);
    await writing(folder, () => rmdir(target).catch(unlessMissing));
    await writing(folder, () => rename(path, target));
  };
  return { path, commit, discard };
}

async function requireEmpty(folder: string, target: string): Promise<void> {
  const expected = "an empty folder or a new one";
  const hint = "Give another folder, or remove this one.";
  try {
    const present = await readdir(target);
    if (present.length > 0) throw writeError(folder, expected, `a folder with ${present.slice(0, 4).join(", ")}`, hint);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return;
    if (code === "ENOTDIR") throw writeError(folder, expected, "a file in its place (ENOTDIR)", hint, error);
    await writing(folder, () => Promise.reject(error));
  }
}

function unlessMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}

/** Removes `folder` and its parents up to `first`, as long as they are empty. */
async function removeEmpty(folder: string, first: string): Promise<void> {
  for (let current = folder; current.length >= first.length; current = dirname(current)) {
    if ((await readdir(current)).length > 0) return;
    await rmdir(current);
  }
}
