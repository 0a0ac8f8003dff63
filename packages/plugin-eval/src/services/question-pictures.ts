import { realpath, stat } from "node:fs/promises";
import { isAbsolute, relative } from "node:path";
import { FusionError } from "@fusion-vlm/core";
import { dataError } from "./data-error.ts";

/** Why a file is no picture of a folder of questions. */
export type PictureFault = "nothing" | "a link that leads out" | "something else";

/** Looks at a picture without reading it; undefined when all is well. `folder` is that of the questions' file. */
export async function pictureFault(picture: string, folder: string): Promise<PictureFault | undefined> {
  const [real, realFolder] = await Promise.all([picture, folder].map((path) => realpath(path).catch(() => undefined)));
  if (real === undefined || realFolder === undefined) return "nothing";
  if (!isInside(realFolder, real)) return "a link that leads out";
  return (await stat(real)).isFile() ? undefined : "something else";
}

/** A missing picture is told before the first question, not after an hour. */
export async function requirePictures(questions: readonly { readonly image: string }[], folder: string): Promise<void> {
  const pictures = [...new Set(questions.map(({ image }) => image))];
  const missing: string[] = [];
  for (const picture of pictures) {
    const fault = await pictureFault(picture, folder);
    const hint = "Copy the picture itself there.";
    if (fault === "nothing") missing.push(picture);
    else if (fault === "something else") throw dataError(picture, "a picture file", fault, hint);
    else if (fault) throw dataError(picture, `a picture inside ${await realpath(folder)}`, fault, hint);
  }
  if (missing.length === 0) return;
  throw new FusionError({
    code: "IMAGE_NOT_FOUND",
    at: missing[0]!,
    expected: "a picture",
    actual: missing.length === 1 ? "nothing" : `nothing, as for ${missing.length - 1} more of ${pictures.length}`,
    hint: "Copy the pictures to where the questions say they are, or make the data again.",
  });
}

/** True for a path below a folder, both absolute or both relative. */
export function isInside(folder: string, path: string): boolean {
  const inside = relative(folder, path);
  return inside !== "" && inside !== ".." && !/^\.\.[\\/]/.test(inside) && !isAbsolute(inside);
}
