import { type FileHandle, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { FusionError, makeFolders } from "@fusion-vlm/core";
import { writing } from "@fusion-vlm/plugin-kit";
import { z } from "zod";

export const headerSchema = z.object({
  benchmark: z.literal("builtin"),
  /** SHA-256 of the questions' file. */
  data: z.string(),
  /** See modelFingerprint. */
  model: z.string(),
  device: z.string(),
  semantics: z.string(),
  latents: z.int(),
  imageTokens: z.int(),
  maxTokens: z.int(),
});

export const predictionSchema = z.object({
  id: z.string(),
  turn: z.int(),
  /** Asked about a blank picture instead of the record's own. */
  blank: z.boolean(),
  kind: z.string(),
  question: z.string(),
  expected: z.string(),
  answer: z.string(),
  correct: z.boolean(),
});

/** What answers depend on: the first line of a predictions file. */
export type PredictionsHeader = z.infer<typeof headerSchema>;

/** A further line. */
export type Prediction = z.infer<typeof predictionSchema>;

/**
 * Answers as JSON lines under a header, each written as it comes.
 *
 * A file of the same header is continued; a last line that was cut off when the run before was killed is taken back.
 */
export class PredictionsFile {
  private constructor(
    readonly path: string,
    /** What an earlier run has answered. */
    readonly earlier: readonly Prediction[],
    readonly handle: FileHandle,
    private size: number,
  ) {}

  /**
   * Opens the file, or makes it with its folder.
   *
   * @param restart - drops what an earlier run has written
   * @throws OPTION_INVALID when it holds the answers of another run, or something else; WRITE_FAILED
   */
  static async open(path: string, header: PredictionsHeader, restart = false): Promise<PredictionsFile> {
    const bytes = restart ? undefined : await readWhole(path);
    const end = bytes ? bytes.lastIndexOf("\n") + 1 : 0;
    const lines = bytes ? bytes.toString("utf8", 0, end).split("\n").slice(0, -1) : [];
    // Something else than a cut-off header of ours would be lost.
    if (bytes && bytes.length > 0 && end === 0 && !JSON.stringify(header).startsWith(bytes.toString())) {
      throw otherRun(path, "another file");
    }
    if (lines.length > 0) requireSame(path, lines[0]!, header);
    const earlier = lines.slice(1).map((line, index) => parseLine(path, index + 2, line));
    return onDisk(path, async () => {
      await makeFolders(dirname(path));
      const handle = await open(path, restart ? "w" : "a");
      await handle.truncate(end);
      const file = new PredictionsFile(path, earlier, handle, end);
      if (lines.length === 0) await file.#write(header);
      return file;
    });
  }

  /** Adds a line: whole, or not at all. Throws WRITE_FAILED. */
  async append(prediction: Prediction): Promise<void> {
    await onDisk(this.path, () => this.#write(prediction));
  }

  async close(): Promise<void> {
    await onDisk(this.path, () => this.handle.close());
  }

  async #write(line: Prediction | PredictionsHeader): Promise<void> {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    try {
      await this.handle.appendFile(bytes);
      this.size += bytes.length;
    } catch (error) {
      // A full disk may have taken half of it.
      await this.handle.truncate(this.size).catch(() => undefined);
      throw error;
    }
  }
}

async function readWhole(path: string): Promise<Buffer | undefined> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    return onDisk(path, () => Promise.reject(error));
  });
}

function requireSame(path: string, line: string, header: PredictionsHeader): void {
  const { data: found } = headerSchema.safeParse(parseJson(line));
  if (!found) throw otherRun(path, "another file");
  const different = (Object.keys(header) as (keyof PredictionsHeader)[]).filter((key) => found[key] !== header[key]);
  if (different.length > 0) throw otherRun(path, `those of another run (${different.join(", ")} differ)`);
}

function parseLine(path: string, number: number, line: string): Prediction {
  const { data } = predictionSchema.safeParse(parseJson(line));
  if (data) return data;
  throw otherRun(`${path}: line ${number}`, line.slice(0, 60));
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function onDisk<Result>(path: string, act: () => Promise<Result>): Promise<Result> {
  const remark = "Answers written before are kept: the same command goes on behind them.";
  return writing(path, act, { expected: "a file that can be written", remark });
}

function otherRun(at: string, actual: string): FusionError {
  const hint = "Give another --out, or --restart to drop what the file holds.";
  return new FusionError({ code: "OPTION_INVALID", at, expected: "predictions of this very run", actual, hint });
}
