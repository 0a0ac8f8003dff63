import { readFile, stat } from "node:fs/promises";

/** Why a file could not be used, in words that fit into an error of whoever asked for it. */
export interface FileProblem {
  readonly kind: "missing" | "unreadable" | "not a file" | "too large" | "not JSON";
  readonly expected: string;
  readonly actual: string;
  readonly hint: string;
  readonly cause?: unknown;
}

const copyHint = "Copy the file again from where it came from.";
const missing: readonly string[] = ["ENOENT", "ENOTDIR", "ENAMETOOLONG"];

/**
 * Bytes of a regular file of at most `maxBytes`.
 *
 * @param refuse - makes the error that is thrown
 */
export async function readFileWithin(
  path: string,
  maxBytes: number,
  refuse: (problem: FileProblem) => Error,
): Promise<Uint8Array> {
  const failed = (cause: unknown): never => {
    const actual = (cause as NodeJS.ErrnoException).code ?? String(cause);
    const kind = missing.includes(actual) ? "missing" : "unreadable";
    const hint = "Check the path and its permissions.";
    throw refuse({ kind, expected: "a readable file", actual, hint, cause });
  };
  // Looked at before it is opened: opening a named pipe would wait for ever.
  const facts = await stat(path).catch(failed);
  if (!facts.isFile()) {
    const actual = facts.isDirectory() ? "a directory" : "a device, pipe or socket";
    throw refuse({ kind: "not a file", expected: "a regular file", actual, hint: "Put the file itself there." });
  }
  if (facts.size > maxBytes) {
    const actual = `${facts.size} bytes`;
    throw refuse({ kind: "too large", expected: `at most ${maxBytes} bytes`, actual, hint: copyHint });
  }
  return readFile(path).catch(failed);
}

/** The value of a JSON file in UTF-8 of at most `maxBytes`. Throws what `refuse` makes of a problem. */
export async function readJsonFile(
  path: string,
  maxBytes: number,
  refuse: (problem: FileProblem) => Error,
): Promise<unknown> {
  const bytes = await readFileWithin(path, maxBytes, refuse);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw refuse({ kind: "not JSON", expected: "JSON in UTF-8", actual: whatItIs(bytes), hint: copyHint, cause });
  }
}

function whatItIs(bytes: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes).trim();
  } catch {
    return "bytes that are not UTF-8";
  }
  if (text === "") return "an empty file";
  if (text.startsWith("version https://git-lfs")) return "a Git LFS pointer, not the file itself";
  return text.startsWith("{") && !text.endsWith("}") ? "a file that is cut off" : "text that is not JSON";
}
