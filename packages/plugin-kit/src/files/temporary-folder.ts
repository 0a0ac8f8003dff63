import { rmSync } from "node:fs";
import { lstat, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isRunning } from "./output-folder.ts";

/** A folder of our own in the system's place for temporary files. */
export interface TemporaryFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/** `fusion-PID-XXXXXX`: whose it is, and the letters of mkdtemp. */
const ownName = /^fusion-([1-9]\d*)-[A-Za-z0-9]{6}$/;

/**
 * Makes a folder that goes with the process at the latest, also when that ends before `remove` was called.
 *
 * Folders of processes that were killed before they could do so are removed first.
 */
export async function temporaryFolder(): Promise<TemporaryFolder> {
  await removeAbandoned();
  const path = await mkdtemp(join(tmpdir(), `fusion-${process.pid}-`));
  const removeAtExit = () => rmSync(path, { recursive: true, force: true });
  process.once("exit", removeAtExit);
  return {
    path,
    remove: async () => {
      await rm(path, { recursive: true, force: true });
      process.off("exit", removeAtExit);
    },
  };
}

async function removeAbandoned(): Promise<void> {
  // What cannot be listed, looked at or removed is left to the system.
  const names = await readdir(tmpdir()).catch(() => []);
  for (const name of names) {
    const owner = ownName.exec(name)?.[1];
    if (owner === undefined || isRunning(Number(owner))) continue;
    const path = join(tmpdir(), name);
    const stats = await lstat(path).catch(() => undefined);
    if (!stats?.isDirectory() || (process.getuid && stats.uid !== process.getuid())) continue;
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}
