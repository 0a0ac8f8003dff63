import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { FusionError } from "@fusion-vlm/core";
import { inOrder, OutputFolder, writing } from "@fusion-vlm/plugin-kit";
import { defaultSize, renderScene } from "../render/index-node.ts";
import type { Split } from "../scene/index.ts";
import type { DatasetCard } from "./card.ts";
import { DatasetWriter } from "./dataset-writer-node.ts";
import { checkRecipe, type Recipe } from "./options.ts";
import { type PictureText, writePicture } from "./picture.ts";

export interface SynthesizeOptions extends Partial<Recipe> {
  /** Folder to write; it must be empty or not exist. */
  readonly out: string;
  /** Training pictures. */
  readonly count: number;
  /** Called after each picture with their number so far and in all. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Called with a line about what does not stop the synthesis, and somebody should know. */
  readonly onWarning?: (message: string) => void;
  /** Aborting removes what was written. */
  readonly signal?: AbortSignal;
}

export interface SynthesizeResult {
  readonly folder: string;
  readonly card: DatasetCard;
  /** Bytes of all pictures. */
  readonly imageBytes: number;
}

/** A tenth as many held-out pictures as training pictures, at least one. */
export function defaultHeldout(count: number): number {
  return Math.max(1, Math.round(count / 10));
}

/**
 * Writes a dataset: pictures, conversations, captions, held-out questions, descriptions and a card.
 *
 * The same recipe gives the same bytes. Memory does not grow with the count. The folder appears when it is complete; a failure,
 * or the signal, leaves nothing behind.
 *
 * @throws OPTION_INVALID for a wrong number; WRITE_FAILED when the folder is not empty, cannot be written, or lacks space;
 *   ABORTED by the signal
 */
export async function synthesize(options: SynthesizeOptions): Promise<SynthesizeResult> {
  const { out, count, heldout = defaultHeldout(count), seed = 0, size = defaultSize, questions = 5, signal } = options;
  const recipe: Recipe = { count, heldout, seed, size, questions };
  checkRecipe(recipe);
  throwIfAborted(signal);

  const folder = await OutputFolder.create(out);
  for (const left of folder.abandoned) {
    options.onWarning?.(`${left}: left by a synthesis that was killed; it is not complete, and can be deleted`);
  }
  const open: { close(): Promise<void> }[] = [];
  try {
    await writing(folder.path, () => mkdir(join(folder.path, "images")));
    const writer = await DatasetWriter.create(folder.path, open);
    for await (const { picture, png } of renderAll(recipe, folder.path, signal)) {
      await writer.add(picture, png);
      options.onProgress?.(writer.pictures, count + heldout);
    }
    const card = await writer.end(recipe);
    throwIfAborted(signal);
    await folder.publish();
    return { folder: out, card, imageBytes: writer.imageBytes };
  } catch (error) {
    await Promise.allSettled(open.map((file) => file.close()));
    await folder.remove();
    throw error;
  }
}

interface Rendered {
  readonly picture: PictureText;
  /** Bytes of the file. */
  readonly png: number;
}

/** Describes, draws and stores all pictures, several at a time, and hands them on in order. */
function renderAll(recipe: Recipe, folder: string, signal: AbortSignal | undefined): AsyncGenerator<Rendered> {
  const { seed, size, questions } = recipe;
  return inOrder(pictureNumbers(recipe, signal), 4 * availableParallelism(), async ({ split, index }) => {
    const picture = writePicture(seed, split, index, questions);
    const png = await renderScene(picture.scene, size);
    const path = join(folder, picture.image);
    await writing(path, () => writeFile(path, png));
    return { picture, png: png.length };
  });
}

/** Every picture of the training set, then every one that is held out; an abort ends it by its error. */
function* pictureNumbers(
  { count, heldout }: Recipe,
  signal: AbortSignal | undefined,
): Generator<{ readonly split: Split; readonly index: number }> {
  for (const [split, pictures] of [["train", count] as const, ["heldout", heldout] as const]) {
    for (let index = 0; index < pictures; index++) {
      throwIfAborted(signal);
      yield { split, index };
    }
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new FusionError({
    code: "ABORTED",
    at: "synthesize",
    message: "the dataset was not finished: its making was stopped",
    hint: "Run it again to start over.",
    cause: signal.reason,
  });
}
