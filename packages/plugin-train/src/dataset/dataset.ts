import { dirname } from "node:path";
import { createRandom, type FusionError } from "@fusion-vlm/core";
import { parseConversation } from "./conversation-record.ts";
import { DataFile, RecordPlaces } from "./data-file.ts";
import { type RecordUnit, recordName } from "./dataset-error.ts";
import type { DuplicateIdCount } from "./duplicate-ids.ts";
import { PicturePaths } from "./picture-paths.ts";
import { planRecord, RecordChecker, type SampleEntry } from "./record-checker.ts";
import type { PlannedSample, SamplePlanner } from "./sample-planner.ts";
import { chosenAhead, chosenRecords, everyRecord, type Sampling, samplingText } from "./sampling.ts";
import { type SkippedRecord, SkippedRecords } from "./skipped-records.ts";

export type { SampleEntry } from "./record-checker.ts";
export type { SkippedRecord } from "./skipped-records.ts";

export interface DatasetOptions {
  readonly planner: SamplePlanner;
  /** What losses name it by; its path when absent. */
  readonly name?: string;
  /** Folder that image paths are relative to; the data file's own when absent. */
  readonly images?: string;
  /** More records that cannot be used than this are an error; with 0 the first one is. */
  readonly maxSkipped: number;
  /** The records that are trained on; all when absent. */
  readonly sampling?: Sampling;
  /** Draws the records of `random:N`; the stream of seed 0 when absent. */
  readonly random?: () => number;
  /** The key of a mixing file that names it, for messages. */
  readonly givenBy?: string;
  /** Called as records are gone through, with the number of those checked; may throw to stop. */
  readonly onRecord?: (checked: number) => void;
}

/** What has to be the same for a training to go on with a file. */
export interface DatasetFingerprint {
  readonly file: string;
  readonly bytes: number;
  /** All records of the file. */
  readonly records: number;
  /** Records that are chosen and can be used. */
  readonly samples: number;
  /** Of the file's contents, in hexadecimal digits. */
  readonly sha256: string;
  /** `all`, `first:N`, `end:N` or `random:N`. */
  readonly sampling: string;
}

/** What a data file holds. */
export interface DatasetSummary extends DatasetFingerprint {
  /** What losses name it by: its path, and its place in the mixing file where that names it twice. */
  readonly source: string;
  /** Different pictures. */
  readonly pictures: number;
  /** Chosen records that are left out, as they cannot be used. */
  readonly skipped: readonly SkippedRecord[];
  /** Samples whose instruction is cut at the paper's limit. */
  readonly cutInstructions: number;
  /** Ids may repeat: nothing depends on them. */
  readonly duplicateIds: DuplicateIdCount;
}

/** One data file: its records checked and measured once, then read one by one where they lie. */
export class Dataset {
  readonly name: string;
  readonly fingerprint: DatasetFingerprint;
  readonly samples: readonly SampleEntry[];
  readonly #facts: Pick<DatasetSummary, "pictures" | "cutInstructions" | "duplicateIds">;
  readonly #data: DataFile;
  readonly #unit: RecordUnit;
  readonly #planner: SamplePlanner;
  readonly #skipped: SkippedRecords;

  private constructor(
    data: DataFile,
    { name, planner, sampling = everyRecord }: DatasetOptions,
    { checker, pictures, skipped, records, unit }: Found,
  ) {
    this.name = name ?? data.path;
    this.samples = checker.samples;
    const contents = { records, samples: checker.samples.length, sampling: samplingText(sampling) };
    this.fingerprint = { file: data.path, ...contents, ...data.contents() };
    const { cutInstructions, duplicateIds } = checker;
    this.#facts = { pictures: pictures.count, cutInstructions, duplicateIds: duplicateIds.found };
    this.#data = data;
    this.#unit = unit;
    this.#planner = planner;
    this.#skipped = skipped;
  }

  /**
   * Reads a file from end to end: every chosen record is checked, its picture looked for, its conversation tokenised.
   *
   * Records that cannot be used are left out and named in `skipped`; no other takes the place of one.
   *
   * @throws naming the file for what is no data file, and the record where the end of one cannot be found; for more than
   *   `maxSkipped` records that cannot be used, naming the first; for a dataset without any sample
   */
  static async open(file: string, options: DatasetOptions): Promise<Dataset> {
    const data = await DataFile.open(file, options.givenBy);
    try {
      const found = await findSamples(data, options);
      if (found.checker.samples.length === 0) throw found.skipped.none();
      return new Dataset(data, options, found);
    } catch (error) {
      await data.close();
      throw error;
    }
  }

  get file(): string {
    return this.#data.path;
  }

  /** Records that are left out, those of {@link leaveOut} included. */
  get skipped(): readonly SkippedRecord[] {
    return this.#skipped.list;
  }

  /** What it holds, as of now. */
  summary(): DatasetSummary {
    return { source: this.name, ...this.fingerprint, ...this.#facts, skipped: [...this.skipped] };
  }

  /** How messages name a record. */
  nameOf({ record }: SampleEntry): string {
    return recordName(this.file, record, this.#unit);
  }

  /** Reads one sample again and plans it. */
  async read(entry: SampleEntry): Promise<PlannedSample> {
    const at = this.nameOf(entry);
    return planRecord(this.#planner, parseConversation(await this.#data.read(entry, at), at), at);
  }

  /**
   * Counts a sample that turned out to be unusable with the records that are left out.
   *
   * @throws when it is one too many
   */
  leaveOut({ record }: SampleEntry, error: FusionError): SkippedRecord {
    return this.#skipped.add({ record, unit: this.#unit }, error);
  }

  close(): Promise<void> {
    return this.#data.close();
  }
}

/** What going through a file has found. */
interface Found {
  readonly checker: RecordChecker;
  readonly pictures: PicturePaths;
  readonly skipped: SkippedRecords;
  readonly records: number;
  readonly unit: RecordUnit;
}

async function findSamples(data: DataFile, options: DatasetOptions): Promise<Found> {
  const { planner, images, maxSkipped, sampling = everyRecord, onRecord } = options;
  const { random = createRandom(0, "sampling") } = options;
  const pictures = await PicturePaths.in(images ?? dirname(data.path));
  const skipped = new SkippedRecords(data.path, maxSkipped);
  const checker = new RecordChecker(data.path, { planner, pictures, skipped });
  const ahead = chosenAhead(sampling);
  /** Records of which it is open whether they are chosen. */
  const waiting = new RecordPlaces();
  let records = 0;
  let unit: RecordUnit = "record";
  for await (const span of data.records()) {
    records += 1;
    unit = span.unit;
    if (ahead === undefined) waiting.add(span);
    else if (records <= ahead) await checker.check(span);
    onRecord?.(checker.checked);
  }
  if (ahead === undefined) {
    for (const index of chosenRecords(sampling, records, random)) {
      const place = waiting.at(index);
      const bytes = await data.read(place, recordName(data.path, place.record, unit));
      await checker.check({ ...place, unit, bytes });
      onRecord?.(checker.checked);
    }
  }
  return { checker, pictures, skipped, records, unit };
}
