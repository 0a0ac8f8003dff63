import { FusionError } from "@fusion-vlm/core";

const space = "Free some space on the disk, or write to another one.";
const rights = "Choose a folder that you may write to.";

const hints: Readonly<Record<string, string>> = {
  ENOSPC: space,
  EDQUOT: "Free some of your quota, or write to another disk.",
  EACCES: rights,
  EPERM: rights,
  EROFS: rights,
  ENOTDIR: "Name a folder whose parents are folders.",
  ENAMETOOLONG: "Give a shorter name.",
};

export interface WriteErrorOptions {
  /** What the path should have been. */
  readonly expected?: string;
  /** A sentence that goes behind the hint. */
  readonly remark?: string;
}

/** WRITE_FAILED for what the system says about a path; a FusionError, or what no system call has thrown, as it is. */
export function writeError(path: string, cause: unknown, { expected, remark }: WriteErrorOptions = {}): unknown {
  if (FusionError.isInstance(cause)) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === undefined) return cause;
  const hint = hints[code] ?? "Check the path and the disk, or write to another folder.";
  return new FusionError({
    code: "WRITE_FAILED",
    at: path,
    expected: expected ?? "a path that can be written",
    actual: reason(code, message),
    hint: remark ? `${hint} ${remark}` : hint,
    details: { errno: code },
    cause,
  });
}

/** Runs something that writes to `path`; what the system says against it becomes WRITE_FAILED. */
export async function writing<T>(path: string, action: () => Promise<T>, options?: WriteErrorOptions): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    throw writeError(path, cause, options);
  }
}

/** True for a disk or a quota that is full: what there is not now may be there later. */
export function isDiskFull(cause: unknown): boolean {
  const { code } = (cause ?? {}) as NodeJS.ErrnoException;
  return code === "ENOSPC" || code === "EDQUOT";
}

/** Node's `ENOSPC: no space left on device, write` without the call and its path, which stands in front already. */
function reason(code: string, message: string): string {
  const [, words] = new RegExp(`^${code}: ([^,]+)`).exec(message) ?? [];
  return words ? `${words} (${code})` : code;
}
