import { stat } from "node:fs/promises";
import { FusionError, probeImage } from "@fusion-vlm/core";

export interface PictureContext {
  /** What was given as the question: when the picture is missing and this is a file, the two were swapped. */
  readonly question?: string;
  /** The command reads a picture from standard input when IMAGE is `-`. */
  readonly canPipe?: boolean;
}

/** Finds out what is wrong with a picture before a model is loaded. Throws as `probeImage`, with hints for a command line. */
export async function checkPicture(image: string | Uint8Array, context: PictureContext = {}): Promise<void> {
  try {
    await probeImage(image);
  } catch (error) {
    const hint = FusionError.isInstance(error) ? await betterHint(error, context) : undefined;
    throw hint === undefined ? error : withHint(error as FusionError, hint);
  }
}

async function betterHint(
  { code, details }: FusionError,
  { question, canPipe }: PictureContext,
): Promise<string | undefined> {
  if (details.actual === "a device, pipe or socket") {
    return canPipe ? "Pipe it in and give - as IMAGE." : "Save it to a file and give the path of that.";
  }
  if (code !== "IMAGE_NOT_FOUND" || question === undefined) return undefined;
  const isFile = await stat(question).then(
    (facts) => facts.isFile(),
    () => false,
  );
  return isFile ? "IMAGE comes first, then QUESTION." : undefined;
}

function withHint({ code, at, message, details, cause }: FusionError, hint: string): FusionError {
  return new FusionError({ code, at, message, hint, details, cause });
}
