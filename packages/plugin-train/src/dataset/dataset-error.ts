import { FusionError, type FusionErrorOptions } from "@fusion-vlm/core";

/** Something wrong with a data file; `at` names the file and, where it is known, the record. */
export function datasetError(options: Omit<FusionErrorOptions, "code">): FusionError {
  return new FusionError({ code: "DATASET_INVALID", ...options });
}

/** How records of a file are counted: those of an array by themselves, those of JSON lines by the file's lines. */
export type RecordUnit = "record" | "line";

/** How messages name a record: `train.json: record 12`, `train.jsonl: line 12`. */
export function recordName(file: string, record: number, unit: RecordUnit): string {
  return `${file}: ${unit} ${record}`;
}
