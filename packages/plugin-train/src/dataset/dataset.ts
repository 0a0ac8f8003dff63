import { type FileHandle, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { FusionError } from "@fusion-vlm/core";
import { type ConversationRecord, parseConversation } from "./conversation-record.ts";
import { datasetError, type RecordUnit, recordName } from "./dataset-error.ts";
import { PicturePaths } from "./picture-paths.ts";
import { scanRecords } from "./record-scanner.ts";
import type { PlannedSample, SampleLengths, SamplePlanner } from "./sample-planner.ts";

/** A sample of a dataset that waits to be read: where it lies, and how long it is. */
export interface SampleEntry extends SampleLengths {
  readonly record: number;
  readonly offset: number;
  readonly length: number;
  /** Real path of its picture; absent for a text-only sample. */
  readonly picture?: string;
}

/** A record that is left out, and why. */
export interface SkippedRecord {
  readonly record: number;
  readonly unit: RecordUnit;
  readonly id?: string;
  readonly reason: string;
}

export interface DatasetOptions {
  readonly planner: SamplePlanner;
  /** Folder that image paths are relative to; the data file's own when absent. */
  readonly images?: string;
  /** More samples that are too long than this are an error. */
  readonly maxSkipped: number;
  /** Called with their number as records are read; may throw to stop. */
  readonly onRecord?: (records: number) => void;
}

/** One data file: its records checked and measured once, then read one by one where they lie. */
export class Dataset {
  readonly #handle: FileHandle;
  readonly #planner: SamplePlanner;

  private constructor(
    readonly file: string,
    readonly samples: readonly SampleEntry[],
    readonly skipped: readonly SkippedRecord[],
    /** Different pictures. */
    readonly pictures: number,
    /** Samples whose instruction is cut at the paper's limit. */
    readonly cutInstructions: number,
    private readonly unit: RecordUnit,
    handle: FileHandle,
    planner: SamplePlanner,
  ) {
    this.#handle = handle;
    this.#planner = planner;
  }

  /**
   * Reads a file from end to end: every record is checked, every picture looked for, every conversation tokenised.
   *
   * Samples longer than the model's context are left out and named in `skipped`.
   *
   * @throws naming file and record for whatever is wrong, for more than `maxSkipped` samples that are too long, and for a
   *   dataset without any sample
   */
  static async open(file: string, options: DatasetOptions): Promise<Dataset> {
    const { planner, maxSkipped, onRecord } = options;
    const handle = await openFile(file);
    try {
      const pictures = await PicturePaths.in(options.images ?? dirname(file));
      const samples: SampleEntry[] = [];
      const skipped: SkippedRecord[] = [];
      let cutInstructions = 0;
      let counted: RecordUnit = "record";
      const chunks = handle.createReadStream({ start: 0, autoClose: false, highWaterMark: 1 << 16 });
      for await (const { record, unit, offset, length, bytes } of scanRecords(file, chunks)) {
        const at = recordName(file, record, unit);
        counted = unit;
        const conversation = parseConversation(bytes, at);
        const picture = conversation.image && (await pictures.find(conversation.image, at));
        const { lengths, instructionTruncated } = plan(planner, conversation, at);
        if (instructionTruncated) cutInstructions += 1;
        if (planner.longest(lengths) > planner.contextLength) {
          const reason = `${planner.longest(lengths)} tokens, the context holds ${planner.contextLength}`;
          skipped.push({ record, unit, ...(conversation.id && { id: conversation.id }), reason });
          if (skipped.length > maxSkipped) throw tooManySkipped(file, skipped, maxSkipped);
        } else {
          samples.push({ record, offset, length, ...(picture && { picture }), ...lengths });
        }
        onRecord?.(samples.length + skipped.length);
      }
      if (samples.length === 0) throw emptyDataset(file, skipped);
      return new Dataset(file, samples, skipped, pictures.count, cutInstructions, counted, handle, planner);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** How messages name a record. */
  nameOf({ record }: SampleEntry): string {
    return recordName(this.file, record, this.unit);
  }

  /** Reads one sample again and plans it. */
  async read(entry: SampleEntry): Promise<PlannedSample> {
    const { offset, length } = entry;
    const at = this.nameOf(entry);
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await this.#handle.read(bytes, 0, length, offset);
    if (bytesRead === length) return plan(this.#planner, parseConversation(bytes, at), at);
    throw datasetError({
      at,
      expected: `${length} bytes`,
      actual: `${bytesRead}`,
      hint: "Leave data files as they are while a training runs.",
    });
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

function plan(planner: SamplePlanner, conversation: ConversationRecord, at: string): PlannedSample {
  try {
    return planner.plan(conversation);
  } catch (cause) {
    if (!FusionError.isInstance(cause)) throw cause;
    const { code, message, hint } = cause;
    throw new FusionError({ code, at, message: `${at}: ${message}`, hint, cause });
  }
}

async function openFile(file: string): Promise<FileHandle> {
  const refused = (actual: string, cause?: unknown) =>
    datasetError({
      at: file === "" ? '""' : file,
      expected: "a data file: LLaVA-style JSON or JSON lines",
      actual,
      hint: "Check the path given by --data.",
      cause,
    });
  const failed = (cause: NodeJS.ErrnoException): never => {
    throw refused(cause.code === "ENOENT" ? "nothing at this path" : String(cause.code ?? cause), cause);
  };
  // Looked at before it is opened: opening a named pipe would wait for ever.
  const facts = await stat(file).catch(failed);
  if (!facts.isFile()) throw refused(facts.isDirectory() ? "a folder" : "a device, pipe or socket");
  return open(file, "r").catch(failed);
}

function emptyDataset(file: string, skipped: readonly SkippedRecord[]) {
  return datasetError({
    at: file,
    expected: "at least one sample",
    actual:
      skipped.length === 0 ? "an empty list" : `only ${skipped.length} longer than the context: ${skipped[0]!.reason}`,
    hint:
      skipped.length === 0
        ? "Give a file with conversations: see docs/training.md."
        : "Shorten the samples, or train with fewer latents.",
  });
}

function tooManySkipped(file: string, skipped: readonly SkippedRecord[], limit: number) {
  const named = skipped.slice(0, 5).map(({ record, unit, reason }) => `${unit} ${record} (${reason})`);
  return datasetError({
    at: file,
    expected: `at most ${limit} samples longer than the context`,
    actual: `more: ${named.join(", ")}${skipped.length > named.length ? ", …" : ""}`,
    hint: "Shorten these samples, train with fewer latents, or allow more by --max-skipped.",
  });
}
