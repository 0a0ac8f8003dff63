import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writing } from "@fusion-vlm/plugin-kit";
import { type SynthKind, synthKinds } from "../questions/index.ts";
import { BlindGuess } from "./blind-guess.ts";
import { type DatasetCard, makeCard, renderCard } from "./card.ts";
import type { Recipe } from "./options.ts";
import { captionSample, conversationSample, type PictureText, questionSamples } from "./picture.ts";
import { JsonArrayFile, TextFile } from "./text-file-node.ts";

interface Files {
  readonly train: JsonArrayFile;
  readonly captions: JsonArrayFile;
  readonly heldout: JsonArrayFile;
  readonly scenes: TextFile;
}

/** The text files of a dataset while it grows. */
export class DatasetWriter {
  readonly #folder: string;
  readonly #files: Files;
  readonly #blind = new BlindGuess();
  readonly #questions = { train: noQuestions(), heldout: noQuestions() };
  readonly #pictures = { train: 0, heldout: 0 };
  imageBytes = 0;

  private constructor(folder: string, files: Files) {
    this.#folder = folder;
    this.#files = files;
  }

  /** @param open - receives the files, to be closed after a failure */
  static async create(folder: string, open: { close(): Promise<void> }[]): Promise<DatasetWriter> {
    const keep = <F extends { close(): Promise<void> }>(file: F): F => {
      open.push(file);
      return file;
    };
    return new DatasetWriter(folder, {
      train: keep(await JsonArrayFile.create(join(folder, "train.json"))),
      captions: keep(await JsonArrayFile.create(join(folder, "captions.json"))),
      heldout: keep(await JsonArrayFile.create(join(folder, "heldout.json"))),
      scenes: keep(await TextFile.create(join(folder, "scenes.jsonl"))),
    });
  }

  get pictures(): number {
    return this.#pictures.train + this.#pictures.heldout;
  }

  async add(picture: PictureText, imageBytes: number): Promise<void> {
    const { id, image, scene, description, questions } = picture;
    const { split } = scene;
    if (split === "train") {
      await this.#files.train.push(conversationSample(picture));
      await this.#files.captions.push(captionSample(picture));
    } else {
      for (const sample of questionSamples(picture)) await this.#files.heldout.push(sample);
    }
    await this.#files.scenes.write(`${JSON.stringify({ id, image, description, scene })}\n`);
    for (const question of questions) {
      this.#questions[split][question.kind]++;
      if (split === "train") this.#blind.learn(question);
      else this.#blind.ask(question);
    }
    this.#pictures[split]++;
    this.imageBytes += imageBytes;
  }

  /** Completes the files; the card comes last. */
  async end(recipe: Recipe): Promise<DatasetCard> {
    const files = {
      "train.json": await this.#files.train.end(),
      "captions.json": await this.#files.captions.end(),
      "heldout.json": await this.#files.heldout.end(),
      "scenes.jsonl": await this.#files.scenes.end(),
    };
    const blindAccuracy = this.#blind.accuracy();
    const card = makeCard({ recipe, pictures: this.#pictures, questions: this.#questions, blindAccuracy, files });
    await this.#write("README.md", renderCard(card));
    await this.#write("dataset.json", `${JSON.stringify(card, null, 2)}\n`);
    return card;
  }

  async #write(name: string, text: string): Promise<void> {
    const path = join(this.#folder, name);
    await writing(path, () => writeFile(path, text));
  }
}

function noQuestions(): Record<SynthKind, number> {
  return Object.fromEntries(synthKinds.map((kind) => [kind, 0])) as Record<SynthKind, number>;
}
