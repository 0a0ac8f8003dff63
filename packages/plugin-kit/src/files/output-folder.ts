import { randomBytes } from "node:crypto";
import { rmdirSync, rmSync } from "node:fs";
import { mkdir, open, readdir, rename, rm, rmdir, statfs } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { FusionError, makeFolders } from "@fusion-vlm/core";
import { writing } from "./write-error.ts";

const expected = "an empty folder or a new one";

/**
 * A folder that appears under its name when it is complete, and not before.
 *
 * Until then it is the hidden folder `.NAME.PROCESS-RANDOM.partial` beside it, which goes with the process at the latest; only a
 * process that is killed leaves it.
 */
export class OutputFolder {
  readonly #removeAtExit = () => this.#removeNow();
  readonly #shown: string;
  readonly #final: string;
  readonly #firstMade: string | undefined;

  private constructor(
    /** Where to write. */
    readonly path: string,
    /** Folders that killed processes have left on their way to the same name; nobody removes them but the user. */
    readonly abandoned: readonly string[],
    names: { shown: string; final: string; firstMade: string | undefined },
  ) {
    this.#shown = names.shown;
    this.#final = names.final;
    this.#firstMade = names.firstMade;
    process.once("exit", this.#removeAtExit);
  }

  /**
   * Makes the hidden folder, and the parents that are missing.
   *
   * @param bytes - what will be written, as far as it is known
   * @throws WRITE_FAILED when something is in the way, when the folder cannot be made, and when the disk lacks `bytes`
   */
  static async create(folder: string, bytes = 0): Promise<OutputFolder> {
    if (folder === "") throw inTheWay('""', "no name", "Name the folder to write.");
    const final = resolve(folder);
    await requireFree(folder, final);
    const parent = dirname(final);
    const asFolder = { expected: "a folder that can be made" };
    const firstMade = await writing(folder, () => makeFolders(parent), asFolder);
    const path = join(parent, `.${basename(final)}.${process.pid}-${randomBytes(4).toString("hex")}.partial`);
    const output = new OutputFolder(path, await abandonedFor(final), { shown: folder, final, firstMade });
    try {
      await writing(folder, () => mkdir(path), asFolder);
      await requireSpace(path, folder, bytes);
    } catch (error) {
      await output.remove();
      throw error;
    }
    return output;
  }

  /**
   * Gives the folder its name.
   *
   * @param durable - flush every file first, so that a power cut leaves all of it or nothing; for folders of a few files
   */
  async publish({ durable = false }: { durable?: boolean } = {}): Promise<void> {
    if (durable) await writing(this.#shown, () => flushTree(this.path));
    // Someone may have used the name meanwhile; and Windows renames onto nothing.
    await requireFree(this.#shown, this.#final);
    await writing(
      this.#shown,
      async () => {
        await rmdir(this.#final).catch(unlessMissing);
        await rename(this.path, this.#final);
        if (durable) await flush(dirname(this.#final));
      },
      { expected },
    );
    process.off("exit", this.#removeAtExit);
  }

  /** Removes what was written, and the parents that were made for it; does nothing once it is published. */
  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
    process.off("exit", this.#removeAtExit);
    for (const parent of this.#madeParents()) {
      if ((await readdir(parent).catch(() => [""])).length > 0) return;
      await rmdir(parent);
    }
  }

  /** The same for a process that ends. */
  #removeNow(): void {
    rmSync(this.path, { recursive: true, force: true });
    try {
      for (const parent of this.#madeParents()) rmdirSync(parent);
    } catch {
      // Somebody has put something there: it stays.
    }
  }

  /** Innermost first. */
  *#madeParents(): Generator<string> {
    const first = this.#firstMade;
    if (first === undefined) return;
    for (let folder = dirname(this.path); folder.length >= first.length; folder = dirname(folder)) yield folder;
  }
}

async function requireFree(shown: string, final: string): Promise<void> {
  const present = await readdir(final).catch(async (cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return [];
    if (cause.code === "ENOTDIR") throw inTheWay(shown, "a file in its place");
    return writing(shown, () => Promise.reject(cause), { expected });
  });
  if (present.length > 0) throw inTheWay(shown, `a folder with ${present.slice(0, 4).join(", ")}`);
}

function inTheWay(at: string, actual: string, hint = "Give another folder, or remove this one."): FusionError {
  return new FusionError({ code: "WRITE_FAILED", at, expected, actual, hint });
}

async function flushTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await flushTree(path);
    else await flush(path);
  }
  await flush(folder);
}

/** Puts the names in a folder on the disk, as a rename in it needs. */
export async function flushFolder(path: string): Promise<void> {
  await flush(path);
}

async function flush(path: string): Promise<void> {
  // Windows flushes no folders, and files only where they are open for writing.
  if (process.platform === "win32") return;
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unlessMissing(cause: NodeJS.ErrnoException): void {
  if (cause.code !== "ENOENT") throw cause;
}

/** Hours are not begun that cannot be saved. */
export async function requireSpace(path: string, shown: string, bytes: number): Promise<void> {
  if (bytes === 0) return;
  const { bavail, blocks, bsize } = await statfs(path);
  const free = bavail * bsize;
  if (blocks === 0 || free >= bytes) return; // some network file systems know no numbers
  const megabytes = (count: number) => `${Math.ceil(count / 1e6)} MB`;
  throw new FusionError({
    code: "WRITE_FAILED",
    at: shown,
    expected: `${megabytes(bytes)} of free space`,
    actual: megabytes(free),
    hint: "Free some space, write to another disk, or choose a 16-bit dtype.",
  });
}

/** Partial folders of this name whose process does not run any more, as far as this machine can tell. */
async function abandonedFor(final: string): Promise<string[]> {
  const start = `.${basename(final)}.`;
  const names = await readdir(dirname(final)).catch(() => [] as string[]);
  return names
    .filter((name) => {
      const [, id] = (name.startsWith(start) && /^(\d+)-[0-9a-f]{8}\.partial$/.exec(name.slice(start.length))) || [];
      return id !== undefined && !isRunning(Number(id));
    })
    .toSorted()
    .map((name) => join(dirname(final), name));
}

/** Whether a process of this machine runs, as far as this one may know. */
export function isRunning(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
