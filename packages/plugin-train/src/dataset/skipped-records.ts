import type { FusionError } from "@fusion-vlm/core";
import { datasetError, type RecordUnit, recordName } from "./dataset-error.ts";

/** A record that is left out, and why. */
export interface SkippedRecord {
  readonly record: number;
  readonly unit: RecordUnit;
  readonly id?: string;
  readonly reason: string;
}

/** Records that an error names one by one. */
const mostNamed = 5;

/** Records of a data file that cannot be used: counted against a limit, and named. */
export class SkippedRecords {
  readonly list: SkippedRecord[] = [];
  readonly #file: string;
  readonly #limit: number;

  constructor(file: string, limit: number) {
    this.#file = file;
    this.#limit = limit;
  }

  /**
   * Leaves a record out for the reason that an error gives.
   *
   * @throws the error itself where none may be left out; DATASET_INVALID naming the first ones where this is one too many
   */
  add(record: Omit<SkippedRecord, "reason">, error: FusionError): SkippedRecord {
    if (this.#limit === 0) throw error;
    const name = recordName(this.#file, record.record, record.unit);
    const skipped = { ...record, reason: reasonOf(error, name) };
    this.list.push(skipped);
    if (this.list.length > this.#limit) throw this.#tooMany();
    return skipped;
  }

  /** What an error says when no record is left. */
  none(): FusionError {
    const all = this.list.length;
    return datasetError({
      at: this.#file,
      expected: "at least one sample",
      actual: all === 0 ? "an empty list" : `only ${all} that cannot be used: ${this.#named()}`,
      hint:
        all === 0
          ? "Give a file with conversations: see docs/training.md."
          : "Repair these records; shorten those that are longer than the context, or train with fewer latents.",
    });
  }

  #tooMany(): FusionError {
    return datasetError({
      at: this.#file,
      expected: `at most ${this.#limit} records that cannot be used`,
      actual: `more: ${this.#named()}`,
      hint: "Repair or remove these records, or allow more by --max-skipped.",
    });
  }

  #named(): string {
    const named = this.list.slice(0, mostNamed).map(({ record, unit, reason }) => `${unit} ${record} (${reason})`);
    return `${named.join(", ")}${this.list.length > named.length ? ", …" : ""}`;
  }
}

/** The error's message without the record's name in front. */
function reasonOf({ message }: FusionError, name: string): string {
  return message.startsWith(name) ? message.slice(name.length).replace(/^[:,] /, "") : message;
}
