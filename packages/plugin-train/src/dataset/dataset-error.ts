import { FusionError, type FusionErrorOptions } from "@fusion-vlm/core";

/** Something wrong with a data file; `at` names the file and, where it is known, the record. */
export function datasetError(options: Omit<FusionErrorOptions, "code">): FusionError {
  return new FusionError({ code: "OPTION_INVALID", ...options });
}

/** How messages name a record: `train.json: record 12`. */
export function recordName(file: string, record: number): string {
  return `${file}: record ${record}`;
}
