import { readdir, rm, rmdir, statfs, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { FusionError } from "../errors/index.ts";
import { makeFolders } from "../files/index-node.ts";

/** What is written into a model folder; the weights' own temporary files are removed where they are made. */
const ownFiles =
  /^((vision_|tokenizer_|generation_)?config|tokenizer|special_tokens_map|added_tokens)\.json$|^tokenizer\.model$|^model(-\d{5}-of-\d{5})?\.safetensors(\.index\.json)?$/;

/** Makes a model folder, or takes an empty one; returns what brings the disk back to where it was. */
export async function prepareFolder(folder: string): Promise<() => Promise<void>> {
  try {
    const first = await makeFolders(folder);
    const present = await readdir(folder);
    if (present.length === 0) return () => clear(resolve(folder), first && resolve(first));
    const hint = "Give another folder, or remove this one.";
    throw writeError(folder, "an empty folder or a new one", `a folder with ${present.slice(0, 4).join(", ")}`, hint);
  } catch (cause) {
    if (FusionError.isInstance(cause)) throw cause;
    const code = systemCode(cause);
    const actual = code === "EEXIST" || code === "ENOTDIR" ? `a file in its place (${code})` : code;
    throw writeError(folder, "an empty folder or a new one", actual, "Check the path and its rights.", cause);
  }
}

/** Removes our files, and the folders from `folder` up to `first`, the uppermost one that we made. */
async function clear(folder: string, first: string | undefined): Promise<void> {
  const own = (await readdir(folder)).filter((file) => ownFiles.test(file));
  for (const file of own) await rm(join(folder, file), { force: true });
  if (first === undefined) return;
  for (let current = folder; current.length >= first.length; current = dirname(current)) {
    // A folder that someone else has used meanwhile stays.
    if ((await readdir(current)).length > 0) return;
    await rmdir(current);
  }
}

/** Gigabytes are not begun that cannot end. */
export async function requireSpace(folder: string, bytes: number, cure: string): Promise<void> {
  const { bavail, blocks, bsize } = await statfs(folder);
  const free = bavail * bsize;
  // Some network file systems know no numbers.
  if (blocks === 0 || free >= bytes) return;
  const megabytes = (count: number) => `${Math.ceil(count / 1e6)} MB`;
  throw writeError(folder, `${megabytes(bytes)} of free space`, megabytes(free), cure);
}

/** Throws WRITE_FAILED where the disk refuses. */
export async function writeJson(path: string, contents: unknown): Promise<void> {
  try {
    await writeFile(path, `${JSON.stringify(contents, null, 2)}\n`);
  } catch (cause) {
    const hint = "Check the path, its rights and the free space.";
    throw writeError(path, "a file that can be written", systemCode(cause), hint, cause);
  }
}

function systemCode(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code ?? String(cause);
}

function writeError(at: string, expected: string, actual: string, hint: string, cause?: unknown): FusionError {
  return new FusionError({ code: "WRITE_FAILED", at, expected, actual, hint, cause });
}
