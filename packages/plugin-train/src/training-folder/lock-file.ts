import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { FusionError } from "@fusion-vlm/core";
import { writing } from "@fusion-vlm/plugin-kit";

const lockName = "lock";

interface Owner {
  readonly process: number;
  readonly host: string;
}

/** Keeps a second training out of a folder while this process runs. */
export class LockFile {
  private constructor(readonly path: string) {}

  /**
   * Takes the lock of a folder; one whose process does not run any more on this machine is taken over.
   *
   * @throws RESUME_REFUSED when another process has it
   */
  static async take(folder: string): Promise<LockFile> {
    const path = join(folder, lockName);
    const own: Owner = { process: process.pid, host: hostname() };
    for (;;) {
      try {
        const handle = await open(path, "wx");
        try {
          await handle.writeFile(JSON.stringify(own));
        } finally {
          await handle.close();
        }
        return new LockFile(path);
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== "EEXIST") {
          return await writing(path, () => Promise.reject(cause));
        }
      }
      const owner = await readOwner(path);
      if (owner && (owner.host !== own.host || isRunning(owner.process))) throw taken(folder, path, owner);
      // Renamed first: of two processes that find it deserted, only one removes it.
      const aside = `${path}.${randomBytes(4).toString("hex")}.tmp`;
      await rename(path, aside).catch(unlessMissing);
      await rm(aside, { force: true });
    }
  }

  async release(): Promise<void> {
    await rm(this.path, { force: true });
  }
}

/** Undefined for a lock that is gone, or that a process has died over while it wrote it. */
async function readOwner(path: string): Promise<Owner | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  try {
    const { process: id, host } = JSON.parse(text) as Partial<Owner>;
    return typeof id === "number" && typeof host === "string" ? { process: id, host } : undefined;
  } catch {
    return undefined;
  }
}

function isRunning(id: number): boolean {
  if (id === process.pid) return true;
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function taken(folder: string, path: string, { process: id, host }: Owner): FusionError {
  return new FusionError({
    code: "RESUME_REFUSED",
    at: folder,
    expected: "a folder that no other training writes into",
    actual: `one of process ${id} on ${host}`,
    hint: `Wait for it, or write to another folder; when no such training runs, delete ${path}.`,
  });
}

function unlessMissing(cause: NodeJS.ErrnoException): void {
  if (cause.code !== "ENOENT") throw cause;
}
