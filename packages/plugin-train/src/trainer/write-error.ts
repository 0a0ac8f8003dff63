import { FusionError } from "@fusion-vlm/core";

const hints: Readonly<Record<string, string>> = {
  ENOSPC: "Free some space on the disk, or write to another one.",
  EDQUOT: "Free some of your quota, or write to another disk.",
  EACCES: "Choose a folder that you may write to.",
  EPERM: "Choose a folder that you may write to.",
  EROFS: "Choose a folder that you may write to.",
  ENOTDIR: "Name a folder whose parents are folders.",
};

/** WRITE_FAILED for whatever the system says about a path. */
export function writeError(path: string, expected: string, cause: unknown): FusionError {
  if (FusionError.isInstance(cause)) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  return new FusionError({
    code: "WRITE_FAILED",
    at: path,
    expected,
    actual: message ?? String(cause),
    hint: (code && hints[code]) ?? "Check the path and the disk, or write to another folder.",
    cause,
  });
}
