import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";

export interface TestRecord {
  readonly id?: string;
  readonly image?: string;
  readonly conversations: readonly { readonly from: string; readonly value: string }[];
}

/** What the pictures of {@link writePictures} show. */
export const colours = { red: "#e01010", green: "#10c020", blue: "#1030e0", white: "#f0f0f0" } as const;

/** One picture of each colour in FOLDER/images. */
export async function writePictures(folder: string): Promise<void> {
  await mkdir(join(folder, "images"), { recursive: true });
  for (const [name, background] of Object.entries(colours)) {
    const picture = sharp({ create: { width: 24, height: 24, channels: 3, background } });
    await picture.png().toFile(join(folder, `images/${name}.png`));
  }
}

/** Two questions on each picture, the second one depending on the picture too. */
export function colourRecords(): TestRecord[] {
  return Object.keys(colours).map((name) => ({
    id: name,
    image: `images/${name}.png`,
    conversations: [
      { from: "human", value: "<image>\nWhat is it?" },
      { from: "gpt", value: name },
      { from: "human", value: "First letter?" },
      { from: "gpt", value: name[0]! },
    ],
  }));
}

export async function writeRecords(folder: string, records: unknown, name = "train.json"): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, JSON.stringify(records));
  return file;
}
