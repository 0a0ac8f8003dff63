import { randomBytes } from "node:crypto";
import { link, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { FusionError } from "@fusion-vlm/core";
import { isRunning, writing } from "@fusion-vlm/plugin-kit";

const lockName = "lock";

interface Owner {
  readonly process: number;
  readonly host: string;
  /** Tells this process from another one with the same number: after a restart of a container it is 1 again. */
  readonly token: string;
}

/** Locks that this process holds. */
const ownTokens = new Set<string>();

/** Keeps a second training out of a folder while this process runs. */
export class LockFile {
  private constructor(
    readonly path: string,
    private readonly token: string,
  ) {}

  /**
   * Takes the lock of a folder; one whose process does not run any more on this machine is taken over.
   *
   * @throws RESUME_REFUSED when another process has it
   */
  static async take(folder: string): Promise<LockFile> {
    const path = join(folder, lockName);
    const token = randomBytes(8).toString("hex");
    const own: Owner = { process: process.pid, host: hostname(), token };
    for (;;) {
      if (await writing(path, () => create(path, JSON.stringify(own)))) {
        ownTokens.add(token);
        return new LockFile(path, token);
      }
      const owner = await readOwner(path);
      if (owner && isAlive(owner)) throw taken(folder, path, owner);
      await removeDeserted(path, owner);
    }
  }

  async release(): Promise<void> {
    ownTokens.delete(this.token);
    await rm(this.path, { force: true });
  }
}

/** False where the file exists. It appears with its contents, so nobody takes an empty one for deserted. */
async function create(path: string, contents: string): Promise<boolean> {
  const temporary = `${path}.${randomBytes(4).toString("hex")}.tmp`;
  await writeFile(temporary, contents, { flag: "wx" });
  try {
    await link(temporary, path);
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    if (!["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"].includes(code ?? "")) throw cause;
    return createWithoutLinks(path, contents);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** For file systems without hard links. */
async function createWithoutLinks(path: string, contents: string): Promise<boolean> {
  try {
    const handle = await open(path, "wx");
    await handle.writeFile(contents).finally(() => handle.close());
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw cause;
  }
}

/** Of several processes that find it deserted, one moves it away; who has moved another one's by mistake puts it back. */
async function removeDeserted(path: string, owner: Owner | undefined): Promise<void> {
  const aside = `${path}.${randomBytes(4).toString("hex")}.tmp`;
  await rename(path, aside).catch(unlessMissing);
  const moved = await readOwner(aside);
  if (moved && moved.token !== owner?.token) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

/** Undefined for a lock that is gone, or that says nothing. */
async function readOwner(path: string): Promise<Owner | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  try {
    const { process: id, host, token } = JSON.parse(text) as Partial<Owner>;
    if (typeof id !== "number" || typeof host !== "string" || typeof token !== "string") return undefined;
    return { process: id, host, token };
  } catch {
    return undefined;
  }
}

function isAlive({ process: id, host, token }: Owner): boolean {
  if (host !== hostname()) return true; // nobody here can tell
  if (id === process.pid) return ownTokens.has(token);
  return isRunning(id);
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
