import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { FusionError } from "@fusion-vlm/core";
import { writeFileAtomic } from "@fusion-vlm/plugin-kit";
import type { DatasetFingerprint } from "../dataset/dataset.ts";
import type { LearningOptions } from "../options/settle-options.ts";
import type { KeepingOptions } from "../options/train-options.ts";
import type { TrainResult } from "../trainer/train-result.ts";
import { type Difference, differences } from "./differences.ts";

/** The effective configuration of a training, and what it was made from: beside the result, and beside its checkpoints. */
export interface RunRecord {
  readonly version: 2;
  /** Every option that decides what is learned, defaults included; paths are absolute. */
  readonly options: LearningOptions;
  /** How it is kept; a training that goes on may choose anew. */
  readonly keeping: KeepingOptions;
  /** The model at the beginning: hashes of its configuration and tokenizer, sizes and headers of its weights. */
  readonly start: Readonly<Record<string, string>>;
  /** Data and held-out files of each stage. */
  readonly data: readonly StageFingerprints[];
  /** What the last bits depend on besides. */
  readonly machine: Readonly<Record<string, string | number>>;
  /** What has come of it: beside the result alone. */
  readonly result?: TrainResult;
}

export interface StageFingerprints {
  readonly training: readonly DatasetFingerprint[];
  readonly heldout: readonly DatasetFingerprint[];
}

export const recordFile = "training.json";

export async function writeRecord(folder: string, record: RunRecord): Promise<void> {
  await writeFileAtomic(join(folder, recordFile), `${JSON.stringify(record, null, 2)}\n`);
}

/** Undefined where there is none. Throws RESUME_REFUSED for one that this version has not written. */
export async function readRecord(folder: string): Promise<RunRecord | undefined> {
  const path = join(folder, recordFile);
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    throw notOurs(path, cause.code ?? String(cause), cause);
  });
  if (text === undefined) return undefined;
  try {
    const record = JSON.parse(text) as RunRecord;
    if (record.version === 2) return record;
  } catch (cause) {
    throw notOurs(path, "a mistake in it", cause);
  }
  throw notOurs(path, "another version");
}

/**
 * Holds options against those that a training began with.
 *
 * @throws RESUME_REFUSED naming each option that differs
 */
export function requireSameOptions(folder: string, before: LearningOptions, now: LearningOptions): void {
  // Through JSON, as the recorded ones have been.
  const differing = differences(before, JSON.parse(JSON.stringify(now)));
  if (differing.length > 0) throw changed(folder, "options", differing);
}

/** Throws RESUME_REFUSED naming each data file, or file of the start, that is another one now. */
export function requireSameFiles(folder: string, what: string, before: unknown, now: unknown): void {
  const differing = differences(before, JSON.parse(JSON.stringify(now)));
  if (differing.length > 0) throw changed(folder, what, differing);
}

/** Versions and processor: with other ones the losses are the same up to rounding, not bit by bit. */
export function machineFacts(threads: number | undefined): Record<string, string | number> {
  return {
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    threads: threads ?? "default",
  };
}

function changed(folder: string, what: string, differing: readonly Difference[]): FusionError {
  const shown = differing.slice(0, 5).map(({ key, before, now }) => `${key}: ${before} then, ${now} now`);
  const more = differing.length > shown.length ? [`and ${differing.length - shown.length} more`] : [];
  return new FusionError({
    code: "RESUME_REFUSED",
    at: folder,
    message: `${folder}: a training with other ${what} is under way there: ${[...shown, ...more].join("; ")}`,
    hint: "Go on with what it began with, write to another folder, or begin again with --restart.",
    details: { differences: differing },
  });
}

function notOurs(path: string, actual: string, cause?: unknown): FusionError {
  return new FusionError({
    code: "RESUME_REFUSED",
    at: path,
    expected: "the record of a training by this version",
    actual,
    hint: "Begin again with --restart, or write to another folder.",
    cause,
  });
}
