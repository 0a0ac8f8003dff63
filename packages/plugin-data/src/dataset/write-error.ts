import { FusionError } from "@fusion-vlm/core";

const hints: Readonly<Record<string, string>> = {
  ENOSPC: "Free some space, or write to another disk.",
  EDQUOT: "Free some space, or write to another disk.",
  EACCES: "Check the rights on this path.",
  EPERM: "Check the rights on this path.",
  EROFS: "Write to a place that is not read-only.",
};

/** Runs something that writes; what the system says against it becomes WRITE_FAILED. */
export async function writing<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (FusionError.isInstance(cause)) throw cause;
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === undefined) throw cause;
    throw writeError(path, "a path that can be written", code, hints[code] ?? "Check the path and its rights.", cause);
  }
}

export function writeError(at: string, expected: string, actual: string, hint: string, cause?: unknown): FusionError {
  return new FusionError({ code: "WRITE_FAILED", at, expected, actual, hint, cause });
}
