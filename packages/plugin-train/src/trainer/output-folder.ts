import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { readdir, rename, rm, rmdir, statfs } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { FusionError, makeFolders } from "@fusion-vlm/core";
import { writeError } from "./write-error.ts";

/**
 * A folder that appears under its name when it is complete, and not before.
 *
 * Until then it is a hidden folder beside it, which goes with the process at the latest.
 */
export class OutputFolder {
  readonly #removeAtExit = () => rmSync(this.path, { recursive: true, force: true });
  readonly #final: string;

  private constructor(
    final: string,
    /** Where to write. */
    readonly path: string,
  ) {
    this.#final = final;
    process.once("exit", this.#removeAtExit);
  }

  /** Throws WRITE_FAILED when something is in the way, when the folder cannot be made, and when the disk lacks `bytes`. */
  static async create(folder: string, bytes: number): Promise<OutputFolder> {
    const final = resolve(folder);
    await requireFree(folder);
    const path = join(dirname(final), `.${basename(final)}.${randomBytes(4).toString("hex")}.partial`);
    try {
      await makeFolders(path);
    } catch (cause) {
      throw writeError(folder, "a folder that can be made", cause);
    }
    const output = new OutputFolder(final, path);
    try {
      await requireSpace(path, folder, bytes);
    } catch (error) {
      await output.remove();
      throw error;
    }
    return output;
  }

  /** Gives the folder its name. */
  async publish(): Promise<void> {
    try {
      await requireFree(this.#final);
      await rmdir(this.#final).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code !== "ENOENT") throw cause;
      });
      await rename(this.path, this.#final);
    } catch (cause) {
      throw writeError(this.#final, "an empty folder or a new one", cause);
    }
    process.off("exit", this.#removeAtExit);
  }

  /** Removes what was written; does nothing once it is published. */
  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
    process.off("exit", this.#removeAtExit);
  }
}

async function requireFree(folder: string): Promise<void> {
  const present = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return [];
    if (cause.code === "ENOTDIR") throw inTheWay(folder, "a file in its place");
    throw writeError(folder, "an empty folder or a new one", cause);
  });
  if (present.length > 0) throw inTheWay(folder, `a folder with ${present.slice(0, 4).join(", ")}`);
}

function inTheWay(folder: string, actual: string): FusionError {
  const hint = "Give another folder, or remove this one.";
  return new FusionError({
    code: "WRITE_FAILED",
    at: folder,
    expected: "an empty folder or a new one",
    actual,
    hint,
  });
}

/** Hours are not begun that cannot be saved. */
async function requireSpace(path: string, folder: string, bytes: number): Promise<void> {
  const { bavail, blocks, bsize } = await statfs(path);
  const free = bavail * bsize;
  if (blocks === 0 || free >= bytes) return; // some network file systems know no numbers
  const megabytes = (count: number) => `${Math.ceil(count / 1e6)} MB`;
  throw new FusionError({
    code: "WRITE_FAILED",
    at: folder,
    expected: `${megabytes(bytes)} of free space`,
    actual: megabytes(free),
    hint: "Free some space, write to another disk, or choose a 16-bit dtype.",
  });
}
