import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A disk of few bytes, for tests of one that is full: a tmpfs of Linux, which root may mount. */
export class SmallDisk {
  private constructor(readonly path: string) {}

  /** Why there is none on this machine; undefined where there is. */
  static get missing(): string | undefined {
    const folder = mkdtempSync(join(tmpdir(), "small-disk-"));
    try {
      mount(folder, 4096);
      execFileSync("umount", [folder]);
      return undefined;
    } catch {
      return "a small disk cannot be mounted here";
    } finally {
      rmdirSync(folder);
    }
  }

  /** Makes the folder and mounts the disk there. */
  static mount(path: string, bytes: number): SmallDisk {
    mkdirSync(path, { recursive: true });
    mount(path, bytes);
    return new SmallDisk(path);
  }

  /** Takes all space that is left, at once; files still grow to the end of their last 4096 bytes. */
  fillNow(): void {
    const block = Buffer.alloc(4096);
    const file = openSync(this.#ballast, "a");
    try {
      for (;;) writeSync(file, block);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Gives back what `fillNow` has taken. */
  freeNow(): void {
    rmSync(this.#ballast, { force: true });
  }

  unmount(): void {
    execFileSync("umount", [this.path]);
  }

  get #ballast(): string {
    return join(this.path, "ballast");
  }
}

function mount(folder: string, bytes: number): void {
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder], { stdio: "ignore" });
}
