import { readFile, stat } from "node:fs/promises";
import { dirname, relative } from "node:path";
import { FusionError } from "@fusion-vlm/core";
import { pictureType, type Sample } from "@fusion-vlm/plugin-kit";
import { readQuestionsFile } from "./builtin-questions.ts";
import type { ChosenPicture } from "./picture-choice.ts";
import { pictureFault } from "./question-pictures.ts";
import { questionKey } from "./read-predictions.ts";

/** Which question is about which picture; known where the questions' file is still the one that was asked. */
export interface QuestionPictures {
  /** Of the questions' file; undefined when it is not known. */
  readonly folder?: string;
  /** Why it is not known, in a sentence. */
  readonly problem?: string;
  /** Path of the picture relative to the folder by {@link questionKey}, for the questions that were asked. */
  readonly names: ReadonlyMap<string, string>;
}

export interface QuestionPicturesOptions {
  /** Folder with heldout.json, or such a file. */
  readonly data: string;
  /** SHA-256 that the file must have: another one has other pictures. */
  readonly fingerprint: string;
  /** So many questions were asked, from the front. */
  readonly limit: number;
}

/** Looks up pictures in the questions' file; one that is gone, damaged or another one is a problem, no error. */
export async function questionPictures({
  data,
  fingerprint,
  limit,
}: QuestionPicturesOptions): Promise<QuestionPictures> {
  const names = new Map<string, string>();
  try {
    const set = await readQuestionsFile(data, limit);
    if (set.fingerprint !== fingerprint) {
      return { names, problem: `${set.file} is not the file whose questions were asked: its pictures are not shown.` };
    }
    const folder = dirname(set.file);
    for (const question of set.questions) names.set(questionKey(question), relative(folder, question.image));
    return { folder, names };
  } catch (error) {
    if (!FusionError.isInstance(error)) throw error;
    return { names, problem: `The pictures are not shown: ${error.message}.` };
  }
}

/** A picture larger than this would make a page that no one can send. */
const largestPicture = 2 ** 20;

/** The pictures of a contact sheet; where one cannot be shown, the reason stands in its place. */
export async function readSamples(chosen: readonly ChosenPicture[], folder: string | undefined): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (const { name, questions } of chosen) {
    const picture = folder === undefined ? "the picture is not known" : await readPicture(`${folder}/${name}`, folder);
    samples.push({ picture, name, questions });
  }
  return samples;
}

async function readPicture(path: string, folder: string): Promise<Uint8Array | string> {
  try {
    const fault = await pictureFault(path, folder);
    if (fault) return fault === "nothing" ? "the picture is gone" : `no picture, but ${fault}`;
    const { size } = await stat(path);
    if (size > largestPicture) return `too large for a page (${size} bytes)`;
    const bytes = await readFile(path);
    return pictureType(bytes) ? bytes : "not a PNG, JPEG, GIF or WebP picture";
  } catch (cause) {
    return `the picture cannot be read (${(cause as NodeJS.ErrnoException).code ?? cause})`;
  }
}
