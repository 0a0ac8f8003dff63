import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";

/** Pictures that differ as much as pictures can. */
const colours = ["#ff2010", "#10ff30", "#2030ff"];

/** A folder with three pictures, images/0.png to images/2.png, and a heldout.json to be written. */
export class HeldoutFolder {
  private constructor(readonly path: string) {}

  static async create(): Promise<HeldoutFolder> {
    const path = await mkdtemp(join(tmpdir(), "heldout-"));
    await mkdir(join(path, "images"));
    for (const [index, background] of colours.entries()) {
      const stripes = { input: await stripe(index), left: 0, top: 8 * index };
      const picture = sharp({ create: { width: 24, height: 24, channels: 3, background } }).composite([stripes]);
      await picture.png().toFile(join(path, `images/${index}.png`));
    }
    return new HeldoutFolder(path);
  }

  join(...names: string[]): string {
    return join(this.path, ...names);
  }

  /** Writes heldout.json: text and bytes as they are, anything else as JSON. */
  async write(contents: unknown): Promise<void> {
    const isRaw = typeof contents === "string" || contents instanceof Uint8Array;
    await writeFile(this.join("heldout.json"), isRaw ? contents : JSON.stringify(contents));
  }

  remove(): Promise<void> {
    return rm(this.path, { recursive: true });
  }
}

function stripe(index: number): Promise<Buffer> {
  const background = { r: 255 * (index % 2), g: 0, b: 255 - 80 * index };
  return sharp({ create: { width: 24, height: 6, channels: 3, background } })
    .png()
    .toBuffer();
}

/** A record as `fusion data synth` writes it: one question, its kind, its answer. */
export function heldoutRecord(id: string, picture: number, kind: string, question: string, answer: string) {
  return {
    id,
    image: `images/${picture}.png`,
    kind,
    conversations: [
      { from: "human", value: `<image>\n${question}` },
      { from: "gpt", value: answer },
    ],
  };
}
