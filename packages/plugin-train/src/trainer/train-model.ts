import { Cleanup, FusionError } from "@fusion-vlm/core";
import { present } from "../options/present.ts";
import { type SettledOptions, settleOptions } from "../options/settle-options.ts";
import type { KeepingOptions, TrainOptions } from "../options/train-options.ts";
import { differences } from "../training-folder/differences.ts";
import { readRecord } from "../training-folder/run-record.ts";
import { TrainingFolder, trainingFolderOf } from "../training-folder/training-folder.ts";
import { throwIfAborted } from "./abort.ts";
import type { TrainResult } from "./train-result.ts";
import { TrainingRun } from "./training-run.ts";

/**
 * Trains a FUSION model on LLaVA-style data and writes a model folder that `loadFusion` opens.
 *
 * While it runs, `OUT.training` beside the folder holds checkpoints, the log and the page of curves. A training that was killed,
 * stopped or has failed goes on from there when it is called again with the same options: on the same machine with the same bits.
 * The model folder appears when it is complete.
 *
 * Everything that is drawn at random comes from the seed: a training that ends by steps or epochs has the same losses on the
 * same processor type, number of threads and versions.
 *
 * @throws OPTION_INVALID for options; DATASET_INVALID for data, naming file and record; MODEL_NOT_FOUND and the other errors of a model
 *   folder; RESUME_REFUSED when data or options are not those that a training under way began with, or another process trains into
 *   the folder; TRAINING_DIVERGED; WRITE_FAILED; BACKEND_UNAVAILABLE, BACKEND_FAILED; ABORTED by the signal, behind a checkpoint
 */
export async function trainModel(options: TrainOptions): Promise<TrainResult> {
  const settled = settleOptions(options);
  throwIfAborted(settled.signal, "nothing was written");
  const known = await completed(settled);
  if (known) return known;
  const undo = new Cleanup();
  let result: TrainResult;
  try {
    const folder = await TrainingFolder.open(settled.out, settled);
    const run = new TrainingRun(settled, folder, undo);
    try {
      result = await run.run();
    } catch (error) {
      // The first failure is the one to tell.
      await undo.run().catch(() => undefined);
      const remove = await run.isOfNoUse().catch(() => false);
      await folder.close({ remove }).catch(() => undefined);
      throw error;
    }
    await undo.run();
    await folder.close({ remove: !settled.keeping.keepTraining });
  } catch (error) {
    await undo.run().catch(() => undefined);
    throw error;
  }
  return result;
}

export interface ResumeOptions
  extends KeepingOptions,
    Pick<TrainOptions, "device" | "threads" | "worker" | "onEvent" | "signal"> {
  /** The model folder that the training was to write. */
  readonly out: string;
}

/**
 * Goes on with a training that was killed, stopped or has failed, with the options that it began with.
 *
 * @throws RESUME_REFUSED when there is none; else as {@link trainModel}
 */
export async function resumeTraining(options: ResumeOptions): Promise<TrainResult> {
  const record = (await readRecord(trainingFolderOf(options.out))) ?? (await readRecord(options.out));
  if (!record) throw nothingThere(options.out);
  const { stages, recipe, from, ...learning } = record.options;
  const chosen = present(options);
  const [first] = stages;
  const single = stages.length === 1;
  const { name: _, ...own } = first!;
  return trainModel({
    ...learning,
    ...from,
    ...record.keeping,
    ...chosen,
    out: options.out,
    ...(recipe && { recipe, stage: single ? first!.name! : "all" }),
    ...(single ? own : { stages: Object.fromEntries(stages.map(({ name, ...stage }) => [name!, stage])) }),
  });
}

/** What a training has come to whose folder is complete; a process that died while it tidied up has left the rest to this one. */
async function completed({ out, restart, learning, keeping }: SettledOptions): Promise<TrainResult | undefined> {
  if (restart || out === "") return undefined;
  const record = await readRecord(out).catch(() => undefined);
  const isSame = record && differences(record.options, JSON.parse(JSON.stringify(learning))).length === 0;
  if (!record?.result || !isSame) return undefined;
  const folder = (await TrainingFolder.exists(out)) ? await TrainingFolder.open(out, { restart: false }) : undefined;
  await folder?.close({ remove: !(record.keeping.keepTraining || keeping.keepTraining) });
  return { ...record.result, stages: [], resumedAt: record.result.steps };
}

function nothingThere(out: string): FusionError {
  return new FusionError({
    code: "RESUME_REFUSED",
    at: trainingFolderOf(out),
    expected: "a training that is under way",
    actual: "none",
    hint: "Name the folder that was given to fusion train by --out.",
  });
}
