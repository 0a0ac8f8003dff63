import { FusionError } from "@fusion-vlm/core";
import { type ConversationRecord, parseConversation } from "./conversation-record.ts";
import { datasetError, recordName } from "./dataset-error.ts";
import { DuplicateIds } from "./duplicate-ids.ts";
import type { PicturePaths } from "./picture-paths.ts";
import type { RecordSpan } from "./record-scanner.ts";
import type { PlannedSample, SampleLengths, SamplePlanner } from "./sample-planner.ts";
import type { SkippedRecords } from "./skipped-records.ts";

/** A sample of a dataset that waits to be read: where it lies, and how long it is. */
export interface SampleEntry extends SampleLengths {
  readonly record: number;
  readonly offset: number;
  readonly length: number;
  /** Real path of its picture; absent for a text-only sample. */
  readonly picture?: string;
}

/** Checks the records of one file: those that can be used are samples, the others are skipped. */
export class RecordChecker {
  readonly samples: SampleEntry[] = [];
  readonly duplicateIds = new DuplicateIds();
  /** Samples whose instruction is cut at the paper's limit. */
  cutInstructions = 0;
  readonly #file: string;
  readonly #planner: SamplePlanner;
  readonly #pictures: PicturePaths;
  readonly #skipped: SkippedRecords;

  constructor(
    file: string,
    { planner, pictures, skipped }: { planner: SamplePlanner; pictures: PicturePaths; skipped: SkippedRecords },
  ) {
    this.#file = file;
    this.#planner = planner;
    this.#pictures = pictures;
    this.#skipped = skipped;
  }

  get checked(): number {
    return this.samples.length + this.#skipped.list.length;
  }

  /** @throws for a record that cannot be used when it is one too many */
  async check({ record, unit, offset, length, bytes }: RecordSpan): Promise<void> {
    const at = recordName(this.#file, record, unit);
    let id: string | undefined;
    try {
      const conversation = parseConversation(bytes, at);
      id = conversation.id;
      const picture = conversation.image && (await this.#pictures.find(conversation.image, at));
      const { lengths, instructionTruncated } = planRecord(this.#planner, conversation, at);
      requireContext(this.#planner, lengths, at);
      this.samples.push({ record, offset, length, ...(picture && { picture }), ...lengths });
      if (instructionTruncated) this.cutInstructions += 1;
      if (id !== undefined) this.duplicateIds.add(id);
    } catch (error) {
      if (!isAboutRecord(error)) throw error;
      this.#skipped.add({ record, unit, ...(id !== undefined && { id }) }, error);
    }
  }
}

/** Plans a conversation; throws what is wrong with it naming file and record. */
export function planRecord(planner: SamplePlanner, conversation: ConversationRecord, at: string): PlannedSample {
  try {
    return planner.plan(conversation);
  } catch (cause) {
    if (!FusionError.isInstance(cause)) throw cause;
    const { code, message, hint } = cause;
    throw new FusionError({ code, at, message: `${at}: ${message}`, hint, cause });
  }
}

function requireContext(planner: SamplePlanner, lengths: SampleLengths, at: string): void {
  const longest = planner.longest(lengths);
  if (longest <= planner.contextLength) return;
  throw datasetError({
    at,
    message: `${at}: ${longest} tokens, the context holds ${planner.contextLength}`,
    hint: "Shorten this sample, train with fewer latents, or allow that samples are left out by --max-skipped.",
  });
}

function isAboutRecord(error: unknown): error is FusionError {
  return FusionError.isInstance(error) && ["DATASET_INVALID", "PROMPT_INVALID"].includes(error.code);
}
